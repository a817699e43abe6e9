"""The key of the brewer's page, and a server that limits, goes away and comes back."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from app.access.key_file import KeyFile, change_keys
from tests.keys import make_key
from tests.known import KEY
from tests.live.program import Program, until
from tests.live.wire import request

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

from tests.live.page.steps import ChromiumPage, Page, both_browsers  # noqa: E402


@both_browsers
def test_the_key_of_the_address_is_used_and_removed_there(page: Page) -> None:
    assert page.browser.current_url == page.address
    assert not page.one("#key-form").is_displayed()
    kept = page.browser.execute_script("return [{...sessionStorage}, {...localStorage}]")
    assert KEY in kept[0].values() and KEY not in kept[1].values()


@both_browsers
def test_a_key_is_asked_for_and_a_wrong_one_is_said_to_be_wrong(unlocked: Page) -> None:
    page = unlocked
    assert page.one("#key-form").is_displayed() and ".env" in page.text("#key-form")
    page.one(".open-example").click()
    page.one("#key").send_keys("a-wrong-key-of-some-length", Keys.ENTER)
    page.until(lambda: "does not know this key" in page.text("#key-problem"))
    assert page.text("#ibu") == "–" and page.value("name") == "American IPA"
    page.one("#keep").click()
    page.one("#key").send_keys(KEY, Keys.ENTER)
    page.until(lambda: page.text("#ibu") != "–")
    assert not page.one("#key-form").is_displayed()
    assert KEY in page.browser.execute_script("return Object.values(localStorage)")
    page.one("#key-button").click()
    page.one("#forget").click()
    page.until(lambda: "needs a key" in page.text("#key-title"))
    assert KEY not in page.browser.execute_script(
        "return [...Object.values(localStorage), ...Object.values(sessionStorage)]"
    )


def test_a_limited_and_a_revoked_key_are_said_and_waited_for(browser: Chrome, tmp_path: Path) -> None:
    limited = make_key(tmp_path / "keys.json", "limited", rate="3/minute")
    program = Program(tmp_path, API_KEY=KEY, PORT="0", API_KEYS_FILE="keys.json", AUTH_FAILURES_PER_MINUTE="0")
    page = ChromiumPage(browser, program.port())
    page.open(f"#key={limited}")
    try:
        page.example()
        page.type("batch", "30")
        page.type("batch", "31")
        page.until(lambda: "Too many requests" in page.text("#server"))
        assert page.value("batch") == "31"
        change_keys(tmp_path / "keys.json", lambda _: KeyFile(keys=()))
        until(lambda: program.send(request("GET", "/styles", [("X-API-Key", limited)])).status == 401)
        page.browser.refresh()
        page.until(lambda: page.text("#key-problem"))
        page.one("#key").send_keys(KEY, Keys.ENTER)
        page.until(lambda: page.text("#ibu") != "–")
        assert page.value("batch") == "31"
    finally:
        page.close()
        program.close()


@both_browsers
def test_a_server_that_goes_away_is_waited_for_and_the_page_opens_without_it(
    page_at: Callable[[int], Page], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def started() -> Program:
        return Program(tmp_path, API_KEY=KEY, PORT=str(port), MODELS="beer-ibu,beer-ibu-recipe")

    program = started()
    program.port()
    page = page_at(port)
    page.open(f"#key={KEY}")
    try:
        page.example()
        shown = page.ibu()
        page.until(lambda: page.browser.execute_script("return navigator.serviceWorker.controller !== null"))
        program.close()
        page.type("hops.0.amount", "40")
        page.until(lambda: "The server is away" in page.text("#server"))
        assert page.ibu() == shown and page.value("hops.0.amount") == "40"
        page.reload(without_cache=True)
        page.until(lambda: page.value("hops.0.amount") == "40" and "The server is away" in page.text("#server"))
        program = started()
        program.port()
        page.until(lambda: page.text("#ibu") != "–" and page.ibu() > shown)
        page.until(lambda: "away" not in page.text("#server"))
    finally:
        page.close()
        program.close()
