"""The brewer's page as the program serves it to a browser: every file arrives, nothing else is loaded or refused."""

import json

import pytest

from tests.live.program import Program
from tests.live.wire import exchange, request

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

from tests.live.browser import clickable  # noqa: E402
from tests.live.page.axe import needs_axe, violations  # noqa: E402

LIMIT = 60_000
"""Bytes of the page over the wire, all files together."""


@pytest.fixture
def address(browser: Chrome, program: Program) -> str:
    """Address of the page, which the browser shows without a key."""
    address = f"http://127.0.0.1:{program.port()}/"
    browser.get(address)
    return address


def test_all_files_come_from_the_program_compressed_and_small(browser: Chrome, address: str) -> None:
    entries = json.loads(
        browser.execute_script(
            "return JSON.stringify([...performance.getEntriesByType('navigation'),"
            " ...performance.getEntriesByType('resource')])"
        )
    )
    names = [entry["name"] for entry in entries if not entry["name"].startswith("data:")]
    assert len(names) > 3 and all(name.startswith(address) for name in names)
    port = int(address.rsplit(":", 1)[1].rstrip("/"))
    size = 0
    for name in {name.removeprefix(address[:-1]) for name in names if "/page/" in name} | {"/"}:
        answer = exchange(port, request("GET", name, [("Accept-Encoding", "gzip"), ("Accept", "text/html")]))
        assert answer.status == 200 and answer.header("Content-Encoding") == "gzip", name
        size += len(answer.body)
    assert size <= LIMIT


def test_the_browser_refuses_nothing_and_has_nothing_to_say(browser: Chrome, address: str) -> None:
    browser.get_log("browser")
    browser.get(address)
    clickable(browser, "a[href$=docs]")
    assert browser.get_log("browser") == []


def test_the_page_and_the_documentation_lead_to_each_other(browser: Chrome, address: str) -> None:
    clickable(browser, "a[href$=docs]").click()
    assert browser.current_url == f"{address}docs"
    clickable(browser, "nav a").click()
    assert browser.current_url == address
    assert browser.find_elements(By.TAG_NAME, "main")


@needs_axe
def test_the_page_without_a_key_is_accessible(browser: Chrome, address: str) -> None:
    assert violations(browser) == []
