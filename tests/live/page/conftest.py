"""The brewer's page in the browser, at the program that all tests share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.known import KEY
from tests.live.program import Program

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from tests.live.page.steps import Page


@pytest.fixture
def page(browser: "Chrome", program: Program) -> "Iterator[Page]":
    """The page, opened with the key. The console must stay silent."""
    from tests.live.page.steps import Page

    page = Page(browser, program.port())
    browser.get_log("browser")
    page.open(f"#key={KEY}")
    page.size(1280)
    yield page
    complaints = page.complaints()
    page.close()
    assert complaints == []
