"""The form of a recipe on the brewer's page, and its answer."""

import json
from pathlib import Path

import pytest

from tests.known import KEY, REPOSITORY
from tests.live.program import Program
from tests.live.wire import request

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

from tests.live.page.steps import Page, both_browsers  # noqa: E402

WIDTHS = (
    "const left = (each) => each.getBoundingClientRect().left; const dots = [...document.querySelectorAll('.dot')];"
    "return (left(dots.at(-1)) - left(dots[0])) / document.querySelector('.band').getBoundingClientRect().width"
)
"""Distance of the outer dots, in widths of the style's band."""
SAMPLES = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "samples"


@both_browsers
def test_the_example_is_answered_as_the_service_answers_it(page: Page, program: Program) -> None:
    assert "Tell the original and the final gravity" in page.text("#words")
    page.example()
    beer = page.recipe()["beer"]
    question = json.dumps({**beer, "quantiles": 20}).encode()
    answer = program.send(request("POST", "/predict", [("X-API-Key", KEY)], question)).json
    assert page.ibu() == answer["ibu"]
    interval = answer["interval"]
    assert page.text("#words") == f"9 of 10 such beers: {interval['lower']:.0f} to {interval['upper']:.0f}"
    assert page.text("#model") == f"{answer['model']['name']}, version {answer['model']['version']}"
    assert f"{answer['style']['bitterness']['probability'] * 100:.0f} %" in page.text("#facts")
    assert f"Bitterness to gravity{answer['bu_gu']:.2f}" in page.text("#facts")
    quantiles, band = answer["quantiles"], answer["style"]["bitterness"]
    inside = sum(band["low"] <= each <= band["high"] for each in quantiles)
    assert (len(page.all("#plot .dot")), len(page.all("#plot .dot.outside"))) == (20, 20 - inside)
    assert f"{inside} are inside the style" in str(page.one("#plot svg").get_attribute("aria-label"))
    per_ibu = (quantiles[-1] - quantiles[0]) / (band["high"] - band["low"])
    page.until(lambda: page.browser.execute_script(WIDTHS) == pytest.approx(per_ibu, abs=0.02))  # dots glide
    for name, value in answer["estimates"].items():
        assert f"{name.title()} {value:.0f}" in page.text("#plot")
    assert page.field("hops.1.alpha").get_attribute("placeholder") == "13"
    assert page.field("abv").get_attribute("placeholder") == "5.6"
    page.until(lambda: page.text("#spoken") == f"{answer['ibu']} IBU. {page.text('#words')}.")


@both_browsers
def test_the_last_of_many_quick_edits_is_what_is_shown(page: Page, program: Program) -> None:
    page.example()
    page.browser.execute_script(
        "const input = document.querySelector('[data-focus=\"hops.0.amount\"]');"
        "for (let grams = 1; grams <= 50; grams += 1) {"
        "  input.value = grams; input.dispatchEvent(new Event('input', {bubbles: true}));"
        "}"
    )
    beer = page.recipe()["beer"]
    assert beer["hops"][0]["amount_g"] == 50
    answer = program.send(request("POST", "/predict", [("X-API-Key", KEY)], json.dumps(beer).encode())).json
    page.until(lambda: page.ibu() == answer["ibu"])


@both_browsers
def test_units_are_converted_and_nothing_is_lost_by_switching_to_and_fro(page: Page) -> None:
    page.example()
    before = page.recipe()
    page.one("#us + span").click()
    assert [page.value(key) for key in ("hops.0.amount", "malts.0.amount", "batch")] == ["0.42", "9.7", "5.28"]
    Select(page.one("#gravity")).select_by_value("plato")
    assert page.value("og") == "13.8"
    page.one("#metric + span").click()
    Select(page.one("#gravity")).select_by_value("sg")
    assert page.recipe() == before and page.value("hops.0.amount") == "12" and page.value("og") == "1.056"

    page.one("#us + span").click()
    page.type("hops.0.amount", "0,5")
    hop = page.recipe()["beer"]["hops"][0]
    assert hop["amount_oz"] == 0.5 and "amount_g" not in hop
    page.one("#metric + span").click()
    assert page.value("hops.0.amount") == "14.2"


def test_a_wrong_value_is_an_error_at_its_field(page: Page) -> None:
    page.example()
    page.type("hops.1.amount", "many")
    page.until(lambda: page.all("#answer.stale"))
    field = page.field("hops.1.amount")
    assert field.get_attribute("aria-invalid") == "true"
    described = field.get_attribute("aria-describedby")
    assert "number" in page.text(f"#{described}")
    assert "see the marked fields" in page.text("#words")
    page.type("hops.1.amount", "20")
    page.until(lambda: not page.all("#answer.stale") and not page.messages("#hops"))
    assert field.get_attribute("aria-invalid") is None


@both_browsers
def test_rows_are_added_completed_duplicated_moved_and_removed_by_keyboard(page: Page) -> None:
    page.example()
    page.field("hops.add").send_keys(Keys.ENTER)
    name = page.browser.switch_to.active_element
    name.send_keys("galaxi"[:5])
    assert [option.text.split("\n")[0] for option in page.all("[role=option]") if option.is_displayed()][0] == "Galaxy"
    name.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert page.value("hops.3.name") == "Galaxy"
    assert page.messages("#hops") == ["Not counted yet: how much?"]
    assert page.field("hops.3.alpha").get_attribute("placeholder") == "13–18.5"
    page.type("hops.3.amount", "15")
    page.until(lambda: not page.messages("#hops"))
    page.choose("hops.3.when", "whirlpool")
    page.type("hops.3.temperature", "80")
    page.until(lambda: any("temperature" in message for message in page.messages("#hops")))

    page.field("hops.3.grip").send_keys(Keys.ARROW_UP)
    assert page.value("hops.2.name") == "Galaxy" and "now number 3" in page.text("#spoken")
    assert page.browser.switch_to.active_element == page.field("hops.2.grip")
    page.field("hops.2.copy").send_keys(Keys.ENTER)
    names = [hop["name"] for hop in page.recipe()["beer"]["hops"]]
    assert names == ["Magnum", "Simcoe", "Galaxy", "Galaxy", "Simcoe"]
    page.field("hops.3.remove").send_keys(Keys.ENTER)
    page.field("hops.2.remove").send_keys(Keys.ENTER)
    assert [hop["name"] for hop in page.recipe()["beer"]["hops"]] == ["Magnum", "Simcoe", "Simcoe"]


@both_browsers
def test_rows_are_moved_by_dragging(page: Page) -> None:
    page.example()
    grip, last = page.field("hops.0.grip"), page.field("hops.2.grip")
    ActionChains(page.browser).click_and_hold(grip).move_to_element(last).move_by_offset(0, 12).release().perform()
    page.until(lambda: [hop["name"] for hop in page.recipe()["beer"]["hops"]] == ["Simcoe", "Simcoe", "Magnum"])
    assert page.value("hops.2.name") == "Magnum"


def test_blank_is_not_told(page: Page) -> None:
    page.type("og", "1050")
    page.type("fg", "1010")
    page.until(lambda: "beer-ibu," in page.text("#model"))
    assert page.recipe()["beer"] == {"target_og": 1050, "target_fg": 1010}
    page.field("hops.none").click()
    page.until(lambda: "beer-ibu-recipe" in page.text("#model") and page.ibu() <= 2)
    assert page.recipe()["beer"]["hops"] == []


@both_browsers
def test_back_and_forward_go_through_the_changes_and_a_reload_keeps_them(page: Page) -> None:
    page.example()
    page.type("batch", "25")
    page.type("name", "Mine")
    page.browser.back()
    page.until(lambda: page.value("name") == "American IPA" and page.value("batch") == "25")
    page.browser.back()
    page.until(lambda: page.value("batch") == "20")
    page.browser.forward()
    page.browser.forward()
    page.until(lambda: page.value("name") == "Mine")
    page.type("ph", "4.2")
    page.browser.refresh()
    page.until(lambda: page.value("ph") == "4.2" and page.value("name") == "Mine")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no shared data")
def test_a_file_is_opened_with_its_notes_at_their_fields(page: Page) -> None:
    page.import_file(SAMPLES / "RRSummerBitter.xml")
    page.until(lambda: page.value("name") == "RR Summer Bitter")
    assert (
        page.value("og") == "1.0467" and page.value("hops.0.name") == "Target" and page.value("malts.0.amount") == "7"
    )
    assert page.value("style") == "English Best Bitter" and "2 notes" in page.text("#notice")
    described = str(page.field("og").get_attribute("aria-describedby")).split()
    assert any("degrees Plato" in page.text(f"#{each}") for each in described)
    page.type("og", "1.048")
    page.until(lambda: [message for message in page.messages("#figures") if "Plato" in message][0].startswith("Final"))


@both_browsers
def test_one_of_several_recipes_is_chosen_and_their_names_are_text(page: Page, tmp_path: Path) -> None:
    name = "<img src=x onerror=document.title=1>"
    hops = {"name": name, "amount": {"value": 20, "unit": "g"}, "alpha_acid": {"value": 5, "unit": "%"}}
    recipe = {
        "name": name,
        "batch_size": {"value": 20, "unit": "l"},
        "original_gravity": {"value": 1.05, "unit": "sg"},
        "final_gravity": {"value": 1.01, "unit": "sg"},
        "ingredients": {
            "hop_additions": [{**hops, "timing": {"use": "add_to_boil", "time": {"value": 60, "unit": "min"}}}]
        },
    }
    file = tmp_path / "recipes.json"
    file.write_text(
        json.dumps({"beerjson": {"version": 1, "recipes": [recipe, {"name": "None"}, {**recipe, "name": "B"}]}})
    )
    page.import_file(file)
    buttons = page.until(lambda: page.all("dialog li button"))
    assert name in buttons[0].text and not buttons[1].is_enabled()
    buttons[0].click()
    page.until(lambda: page.value("name") == name)
    page.until(lambda: page.text("#ibu") != "–")
    page.tab("why")
    page.until(lambda: name in page.text("#why"))
    assert page.browser.title == "Beer Model" and not page.all("img")


@both_browsers
def test_a_dropped_file_is_opened_and_a_thousand_hops_are_rejected(page: Page) -> None:
    drop = (
        "const data = new DataTransfer(); data.items.add(new File([arguments[0]], 'recipe'));"
        "for (const type of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent("
        "  new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}))"
    )
    hop = "<HOP><NAME>Saaz</NAME><ALPHA>4</ALPHA><AMOUNT>0.02</AMOUNT><USE>Boil</USE><TIME>60</TIME></HOP>"
    recipe = (
        "<RECIPE><NAME>Dropped</NAME><BATCH_SIZE>20</BATCH_SIZE><OG>1.050</OG><FG>1.010</FG><HOPS>{}</HOPS></RECIPE>"
    )
    page.browser.execute_script(drop, recipe.format(hop * 1000))
    page.until(lambda: "more than 50" in page.text("#notice"))
    page.browser.execute_script(drop, recipe.format(hop * 2))
    page.until(lambda: page.value("name") == "Dropped" and page.value("hops.1.name") == "Saaz")
    assert not page.one("#drop").is_displayed()


def test_what_cannot_be_read_is_said(page: Page, tmp_path: Path) -> None:
    page.paste("<RECIPES><RECIPE><NAME>Nothing</NAME></RECIPE></RECIPES>")
    page.until(lambda: "No beer can be made" in page.text("#notice"))
    page.paste('{"a": "' + "b" * 50 + '"}')
    page.until(lambda: "cannot be read" in page.text("#notice"))
    large = tmp_path / "large.xml"
    large.write_bytes(b"<" * 10_000_000)
    page.import_file(large)
    page.until(lambda: "too large" in page.text("#notice"))
    assert page.value("name") == ""
