"""What the brewer's page makes of an answer: why, target, what if, compare, the own brewery; and what leaves it."""

import base64
import json
import re
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.known import KEY, REPOSITORY
from tests.live.program import Program
from tests.live.wire import request

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.keys import Keys  # noqa: E402

from tests.live.page.steps import Page, both_browsers  # noqa: E402


def ask(program: Program, path: str, beer: dict[str, Any]) -> Any:
    """Ask the service itself."""
    return program.send(request("POST", path, [("X-API-Key", KEY)], json.dumps(beer).encode())).json


@both_browsers
def test_why_shows_every_contribution_and_every_addition_by_each_formula(page: Page, program: Program) -> None:
    page.example()
    page.tab("why")
    page.until(lambda: page.all("#why .bars"))
    explanation = ask(program, "/explain", page.recipe()["beer"])["explanation"]
    shown = page.text("#why")
    figures = [row["ibu"] for row in explanation["contributions"]]
    minus = "\u2212"
    assert [page.all("#why .value")[index + 1].text for index in range(len(figures))] == [
        f"{value:+.1f}".replace("-", minus) if value else "0.0" for value in figures
    ]
    for addition in explanation["additions"]:
        assert all(f"{addition[name]:.1f}" in shown for name in ("tinseth", "rager", "garetz", "physical", "model"))
        assert addition.get("reason", "") in shown
    for part in explanation.get("untold", []):
        assert part["text"] in shown


def test_the_names_of_all_formulas_are_beside_each_other(page: Page) -> None:
    page.example()
    page.tab("why")
    for grams in ("12", "30", "80"):
        page.tab("recipe")
        page.type("hops.0.amount", grams)
        page.tab("why")
        page.until(lambda: not page.all("#answer.stale") and len(page.all(".formula-name")) == 4)
        boxes = page.browser.execute_script(
            "return [...document.querySelectorAll('.formula-name')].map((x) => x.getBoundingClientRect().toJSON())"
        )
        for one, other in combinations(boxes, 2):
            apart = max(one["left"], other["left"]) >= min(one["right"], other["right"])
            assert apart or max(one["top"], other["top"]) + 2 >= min(one["bottom"], other["bottom"]), grams


@both_browsers
def test_by_keyboard_alone_a_pasted_recipe_gets_a_target_solved_applied_and_undone(page: Page) -> None:
    hop = "<HOP><NAME>{}</NAME><ALPHA>9</ALPHA><AMOUNT>0.02</AMOUNT><USE>{}</USE><TIME>{}</TIME></HOP>"
    hops = hop.format("Magnum", "Boil", 60) + hop.format("Saaz", "Dry Hop", 4000)
    page.paste(
        "<RECIPE><NAME>Pasted</NAME><BATCH_SIZE>20</BATCH_SIZE><OG>1.050</OG><FG>1.010</FG>"
        f"<HOPS>{hops}</HOPS></RECIPE>"
    )
    page.until(lambda: page.value("name") == "Pasted" and page.text("#ibu") != "–")
    before = page.value("hops.0.amount")
    page.reach("#tab-recipe")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.reach('[data-focus="target.ibu"]')
    page.press("55", Keys.ENTER)  # a field that is reached by the keyboard is selected
    page.until(lambda: page.all("#solution table"))
    assert "Asked for" in page.text("#solution")
    grams = [row.text for row in page.all("#solution .moved td:last-child")]
    assert len(grams) == 1
    page.reach('[data-focus="target.apply"]')
    page.press(Keys.ENTER)
    page.until(lambda: abs(page.ibu() - 55) <= 0.7)
    assert f"{page.recipe()['beer']['hops'][0]['amount_g']:g} g" == grams[0]
    page.reach("#notice button", backwards=True)
    page.press(Keys.ENTER)
    page.until(lambda: f"{page.recipe()['beer']['hops'][0]['amount_g']:g}" == before)


def test_a_target_out_of_reach_says_what_can_be_reached(page: Page) -> None:
    page.example()
    page.tab("target")
    page.type("target.ibu", "900")
    page.field("target.solve").click()
    page.until(lambda: re.search(r"\d", page.text("#target-problem")))


@both_browsers
def test_a_slider_moves_the_answer_beside_a_ghost_of_the_one_before(page: Page) -> None:
    page.example()
    before = page.ibu()
    page.tab("whatif")
    page.all("#whatif input[type=range]")[0].send_keys(Keys.PAGE_UP, Keys.PAGE_UP)
    page.until(lambda: page.ibu() > before)
    assert page.text("#ghost") == f"Before: {before}" and len(page.all("#plot .ghost")) == 20
    assert page.recipe()["beer"]["hops"][0]["amount_g"] == 12
    page.until(lambda: page.one("#whatif .plain")).click()
    page.until(lambda: page.ibu() == before and not page.all("#plot .ghost"))
    page.all("#whatif input[type=range]")[0].send_keys(Keys.END)
    page.until(lambda: page.ibu() > before)
    page.one("#whatif .main").click()
    page.until(lambda: page.recipe()["beer"]["hops"][0]["amount_g"] == 30)
    page.tab("recipe")
    page.until(lambda: page.value("hops.0.amount") == "30" and page.ibu() > before)


@both_browsers
def test_up_to_four_answers_are_compared(page: Page) -> None:
    page.example()
    first = page.ibu()
    for grams in ("20", "30", "40", "50"):
        page.one("#pin").click()
        page.tab("recipe")
        shown = page.ibu()
        page.type("hops.0.amount", grams)
        page.until(partial(lambda before: page.ibu() > before, shown))
    page.tab("compare")
    cards = page.until(lambda: page.all(".pins > li"))
    assert len(cards) == 5 and str(first) in cards[0].text and "On the form" in cards[4].text
    assert not page.one("#pin").is_enabled()
    cards[1].find_elements("css selector", "button")[1].click()
    assert len(page.all(".pins > li")) == 4
    page.all(".pins > li")[0].find_elements("css selector", "button")[0].click()
    page.until(lambda: page.value("hops.0.amount") == "12" and page.ibu() == first)


@both_browsers
def test_own_beers_move_the_answers_and_are_kept(page: Page, program: Program) -> None:
    page.example()
    before = page.ibu()
    page.tab("brewery")
    page.type("brewery.ibu", "many")
    page.one(".own-form .main").click()
    assert "number" in page.text("#own-problem")
    page.type("brewery.ibu", "60")
    page.one(".own-form .main").click()
    page.until(lambda: page.ibu() > before)
    beer = page.recipe()["beer"]
    own = {name: value for name, value in beer.items() if name != "style"}
    answer = ask(program, "/predict", {**beer, "reference": [{**own, "ibu": 60}]})
    assert page.ibu() == answer["ibu"] and f"{answer['reference']['ibu']:+.1f} IBU" in page.text("#facts")
    page.browser.refresh()
    page.until(lambda: page.ibu() == answer["ibu"])
    page.tab("brewery")
    page.one("#brewery .check input").click()
    page.until(lambda: page.ibu() == before)


@both_browsers
def test_a_link_holds_the_recipe_and_no_key(page: Page) -> None:
    page.example()
    assert page.browser.current_url == page.address
    page.browser.execute_script(
        "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve() }"
    )
    page.type("name", "Für Zoë")
    page.one("#share").click()
    link = page.until(lambda: page.browser.execute_script("return window.copied"))
    assert link.startswith(f"{page.address}#r=") and len(link) < 700
    packed = base64.urlsafe_b64decode(link.partition("#r=")[2] + "==")
    assert KEY.encode() not in packed and KEY not in link
    recipe = page.recipe()
    page.one("#clear").click()
    page.until(lambda: page.value("name") == "")
    page.browser.get(link)
    page.until(lambda: page.value("name") == "Für Zoë")
    assert page.recipe() == recipe and page.browser.current_url == page.address
    page.browser.get(f"{page.address}#r=nothing")
    page.until(lambda: "no recipe" in page.text("#notice"))


@both_browsers
def test_what_is_saved_is_beerjson_that_the_service_reads_again(page: Page, program: Program, tmp_path: Path) -> None:
    page.example()
    page.choose("hops.1.when", "whirlpool")
    page.type("hops.1.minutes", "20")
    page.type("hops.1.temperature", "85")
    page.until(lambda: page.messages("#hops"))
    page.save_to(tmp_path)
    page.one("#export").click()
    file = page.until(lambda: next(tmp_path.glob("*.json"), None))
    assert file.name == "American IPA.json"
    contents = page.until(file.read_bytes)
    page.until(lambda: "Saved American IPA" in page.text("#notice"))
    assert not page.one("#notice li").is_displayed()
    page.one("#notice summary").click()
    notes = [note.text for note in page.all("#notice li")]
    assert any("74 %" in note for note in notes) and any(note.startswith("Simcoe: ") for note in notes)
    (recipe,) = json.loads(contents)["beerjson"]["recipes"]
    assert recipe["ibu_estimate"] == {"method": "Other", "value": {"unit": "IBUs", "value": page.ibu()}}
    (read,) = program.send(request("POST", "/recipes", [("X-API-Key", KEY)], contents)).json["recipes"]
    beer = page.recipe()["beer"]
    for name in ("ebc", "ph", "batch_volume_l"):
        assert read["beer"].get(name, beer[name]) == pytest.approx(beer[name])
    assert read["beer"]["target_og"] == pytest.approx(1056) and read["beer"]["target_fg"] == pytest.approx(1013)
    sent = [(hop["name"], hop["amount_g"], hop.get("stage"), hop.get("temperature_c")) for hop in beer["hops"]]
    back = [(hop["name"], hop["amount_g"], hop.get("stage"), hop.get("temperature_c")) for hop in read["beer"]["hops"]]
    assert back == [("Magnum", 12, None, None), ("Simcoe", 25, "whirlpool", 85), ("Simcoe", 60, "dry_hop", None)]
    assert sent == back
    assert read["beer"]["malts"] == beer["malts"] and read["beer"]["yeast"] == beer["yeast"]

    jsonschema = pytest.importorskip("jsonschema")
    schemas = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "schema"
    if schemas.is_dir():
        from referencing import Registry, Resource

        found = {path.name: json.loads(path.read_text()) for path in schemas.glob("*.json")}
        registry = Registry().with_resources([(each["$id"], Resource.from_contents(each)) for each in found.values()])
        jsonschema.Draft7Validator(found["beer.json"], registry=registry).validate(json.loads(contents))
