"""What is seen and done less often on the brewer's page, each a place where a fault would go unnoticed."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.known import KEY
from tests.live.program import Program
from tests.live.wire import request

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import ActionChains, Chrome  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

from tests.live.page.steps import Page  # noqa: E402


def ask(program: Program, path: str, question: dict[str, Any]) -> Any:
    """Ask the service itself."""
    return program.send(request("POST", path, [("X-API-Key", KEY)], json.dumps(question).encode())).json


def described(page: Page, key: str) -> list[str]:
    """Return the messages that describe a field."""
    ids = str(page.field(key).get_attribute("aria-describedby") or "").split()
    return [page.text(f"#{each}") for each in ids]


def test_of_edits_during_a_slow_answer_the_newest_is_asked_next(page: Page, browser: Chrome, program: Program) -> None:
    page.example()
    browser.execute_cdp_cmd("Network.enable", {})
    limits = {"offline": False, "latency": 900, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", limits)
    try:
        browser.execute_script(
            "const input = document.querySelector('[data-focus=\"hops.0.amount\"]');"
            "['20', '30', '45', '50'].forEach((grams, index) => setTimeout(() => {"
            "  input.value = grams; input.dispatchEvent(new Event('input', {bubbles: true}));"
            "}, index * 250))"
        )
        page.until(lambda: page.recipe()["beer"]["hops"][0]["amount_g"] == 50)
        answer = ask(program, "/predict", page.recipe()["beer"])
        page.until(lambda: page.ibu() == answer["ibu"])
    finally:
        browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**limits, "latency": 0})


def test_of_two_files_the_newest_is_opened_even_if_it_is_read_first(page: Page) -> None:
    page.browser.execute_script(
        "const real = window.fetch; let first = true;"
        "window.fetch = async (address, options) => {"
        "  const isFirst = first && String(address).endsWith('/recipes'); first &&= !isFirst;"
        "  const answer = await real(address, options);"
        "  if (isFirst) { await new Promise((go) => setTimeout(go, 1000)); window.late = true; }"
        "  return answer;"
        "}"
    )
    for name in ("Older", "Newer"):
        page.paste(f"<RECIPE><NAME>{name}</NAME><BATCH_SIZE>20</BATCH_SIZE><OG>1.050</OG><FG>1.010</FG></RECIPE>")
    page.until(lambda: page.value("name") == "Newer")
    page.until(lambda: page.browser.execute_script("return window.late"))
    page.browser.execute_async_script("const [done] = arguments; setTimeout(done, 100)")
    assert page.value("name") == "Newer" and page.text("#notice").startswith("Opened Newer")


def test_messages_stay_at_their_field_beside_rows_that_are_not_told_yet(page: Page) -> None:
    page.example()
    page.field("hops.add").send_keys(Keys.ENTER)
    for place in (3, 2, 1):
        page.field(f"hops.{place}.grip").send_keys(Keys.ARROW_UP)
    assert [hop.get("name") for hop in page.recipe()["beer"]["hops"]] == [None, "Magnum", "Simcoe", "Simcoe"]
    page.type("hops.2.alpha", "-1")
    page.until(lambda: described(page, "hops.2.alpha"))
    assert not described(page, "hops.1.alpha") and page.field("hops.3.alpha").get_attribute("placeholder") == "13"


def test_every_detail_of_a_hop_is_sent_in_the_unit_in_which_it_was_told(page: Page) -> None:
    page.example()
    page.field("hops.0.more").click()
    page.one("#us + span").click()
    page.choose("hops.0.form", "cone")
    page.choose("hops.0.packaging", "vacuum")
    for part, value in (("age", "6"), ("storage", "32"), ("alpha_low", "11"), ("alpha_high", "14"), ("loss", "30")):
        page.type(f"hops.0.{part}", value)
    page.type("hops.0.alpha", "")
    page.choose("hops.1.when", "whirlpool")
    page.type("hops.1.temperature", "176")
    hops = page.recipe()["beer"]["hops"]
    assert hops[0] == {
        "name": "Magnum", "amount_g": 12, "boil_minutes": 60, "form": "cone", "packaging": "vacuum", "age_months": 6,
        "storage_temperature_f": 32, "alpha_acid_low": 11, "alpha_acid_high": 14, "alpha_loss": 30,
    }  # fmt: skip
    assert hops[1]["temperature_f"] == 176
    page.one("#metric + span").click()
    assert page.value("hops.1.temperature") == "80" and page.value("hops.0.storage") == "0"
    page.until(lambda: not page.all("#answer.stale"))


def test_completion_is_closed_by_escape_and_picked_by_the_mouse(page: Page) -> None:
    name = page.field("style")
    name.send_keys("baltic")
    shown = page.until(lambda: [each for each in page.all("[role=option]") if each.is_displayed()])
    name.send_keys(Keys.ARROW_DOWN)
    assert page.one(f"#{name.get_attribute('aria-activedescendant')}").get_attribute("aria-selected") == "true"
    name.send_keys(Keys.ESCAPE)
    assert not shown[0].is_displayed() and name.get_attribute("aria-expanded") == "false"
    name.send_keys(Keys.BACKSPACE)
    option = page.until(lambda: next(each for each in page.all("[role=option]") if each.is_displayed()))
    ActionChains(page.browser).move_to_element(option).click().perform()
    assert page.value("style") == "Baltic Porter" and page.recipe()["beer"]["style"] == "Baltic Porter"


def test_every_slider_moves_the_answer(page: Page) -> None:
    page.example()
    page.choose("hops.1.when", "whirlpool")
    page.type("hops.1.temperature", "75")
    page.type("hops.1.minutes", "20")
    page.type("abv", "5.6")
    page.until(lambda: not page.all("#answer.stale") and page.messages("#hops"))
    page.tab("whatif")
    sliders = page.all("#whatif input[type=range]")
    assert len(sliders) == 3 + 4 + 1 + 1
    for index in range(len(sliders) - 2):  # what a dry hop gives has no figure of its own
        before = page.text("#words") + page.text("#plot")
        page.all("#whatif input[type=range]")[index].send_keys(Keys.HOME)
        page.until(partial(lambda shown: page.text("#words") + page.text("#plot") != shown, before))
        page.one("#whatif .plain").click()
        page.until(lambda: not page.all("#plot .ghost"))
    gravity = page.all("#whatif input[type=range]")[-1]
    gravity.send_keys(Keys.END)
    page.until(lambda: "1.086" in page.text("#whatif"))
    page.one("#whatif .main").click()
    page.until(lambda: page.value("og") == "1.086" and page.value("fg") == "1.020" and page.value("abv") == "")


def test_a_target_is_for_the_additions_the_formula_and_the_style_that_were_chosen(page: Page, program: Program) -> None:
    page.example()
    page.tab("target")
    page.all("#target fieldset:nth-of-type(2) input")[1].click()
    Select(page.one("#target select")).select_by_value("tinseth")
    page.type("target.ibu", "30")
    page.field("target.solve").click()
    page.until(lambda: len(page.all("#solution .moved")) == 1)
    assert "Simcoe" in page.text("#solution .moved") and page.text("#solution .lead").startswith("30.0 IBU by Tinseth")
    page.all("#target [name=aim]")[2].click()
    page.field("target.solve").click()
    beer = page.recipe()["beer"]
    solution = ask(program, "/solve", {"beer": beer, "target": {"own_style": True}, "by": "tinseth", "move": [1]})
    percent = solution["style"]["bitterness"]["probability"] * 100
    page.until(lambda: f"{percent:.0f} %" in page.text("#solution"))


def test_own_beers_are_saved_to_a_file_removed_and_added_again(page: Page, tmp_path: Path) -> None:
    page.example()
    for name, ibu in (("First", "60"), ("Second", "70")):
        page.type("name", name)
        page.tab("brewery")
        page.type("brewery.ibu", ibu)
        page.one(".own-form .main").click()
    page.save_to(tmp_path)
    page.one("#brewery .spaced button").click()
    file = page.until(lambda: next(tmp_path.glob("*.json"), None))
    page.until(file.read_bytes)
    page.all(".own button")[0].click()
    assert [own.text.split("\n")[0] for own in page.all(".own li")] == ["Second"]
    page.one("#brewery input[type=file]").send_keys(str(file))
    page.until(lambda: [own.text.split("\n")[0] for own in page.all(".own li")] == ["Second", "First"])


def test_bars_point_to_their_side_and_formulas_stand_at_their_bitterness(page: Page, program: Program) -> None:
    page.example()
    page.tab("why")
    page.until(lambda: page.all("#why .bars"))
    bars = page.browser.execute_script(
        "return [...document.querySelectorAll('#why .track')].map((track) => {"
        "  const middle = (box) => box.left + box.width / 2; const bar = track.firstChild.getBoundingClientRect();"
        "  return Math.sign(Math.round(middle(bar) - middle(track.getBoundingClientRect())))})"
    )
    answer = ask(program, "/explain", page.recipe()["beer"])
    contributions = answer["explanation"]["contributions"]
    assert bars == [(each["ibu"] > 0) - (each["ibu"] < 0) for each in contributions]
    ticks, low, high = page.browser.execute_script(
        "const band = document.querySelector('.band'); const start = Number(band.getAttribute('x'));"
        "return [[...document.querySelectorAll('line.formula')].map((line) => Number(line.getAttribute('x1'))),"
        "  start, start + Number(band.getAttribute('width'))]"
    )
    style = answer["style"]["bitterness"]
    at = [style["low"] + (tick - low) / (high - low) * (style["high"] - style["low"]) for tick in ticks]
    assert at == pytest.approx(sorted(answer["estimates"].values()), abs=0.1)


def test_a_paste_into_a_field_stays_there(page: Page) -> None:
    prevented = page.browser.execute_script(
        "return ['Saaz', '<RECIPE><NAME>' + 'x'.repeat(60)].map((text) => {"
        "  const data = new DataTransfer(); data.setData('text/plain', text);"
        "  const options = {clipboardData: data, bubbles: true, cancelable: true};"
        "  return !document.querySelector('[data-focus=name]').dispatchEvent(new ClipboardEvent('paste', options))})"
    )
    assert prevented == [False, True]


def test_paper_has_the_sheet_alone_and_nothing_moves_where_it_should_not(page: Page, browser: Chrome) -> None:
    page.example()
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-reduced-motion", "value": "reduce"}]},
    )
    try:
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert page.one("#sheet").is_displayed() and not page.one("main").is_displayed()
        sheet = page.text("#sheet")
        assert all(text in sheet for text in ("Pale Ale", "4.4 kg", "Wyeast", "(13 %)", "1.056 SG", "9 of 10"))
        assert page.one("#plot .dot").value_of_css_property("transition-duration") == "0s"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
