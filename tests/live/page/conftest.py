"""The brewer's page in browsers, at the program that all tests share."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.known import KEY
from tests.live.program import Program

if TYPE_CHECKING:
    from tests.live.firefox import Firefox
    from tests.live.page.steps import Page


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Firefox]":
    """A headless Firefox."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    from tests.live.firefox import FIREFOX, firefox

    if not FIREFOX:
        pytest.skip("no Firefox (Debian: firefox-esr)")
    with firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture
def page_at(request: pytest.FixtureRequest) -> "Callable[[int], Page]":
    """Creates the page at a port, in Chromium, or in the browser whose fixture a parameter names."""
    from tests.live.page.steps import ChromiumPage, FirefoxPage

    name = getattr(request, "param", "browser")
    return partial(FirefoxPage if name == "firefox" else ChromiumPage, request.getfixturevalue(name))


@pytest.fixture
def any_page(page_at: "Callable[[int], Page]", program: Program) -> "Iterator[Page]":
    """The page at the program that all tests share, not opened yet."""
    page = page_at(program.port())
    page.complaints()
    yield page
    page.close()


@pytest.fixture
def unlocked(any_page: "Page") -> "Page":
    """The page, opened without a key."""
    any_page.open()
    any_page.size(1280)
    return any_page


@pytest.fixture
def page(any_page: "Page") -> "Iterator[Page]":
    """The page, opened with the key. The browser must not complain of anything."""
    any_page.open(f"#key={KEY}")
    any_page.size(1280)
    yield any_page
    assert any_page.complaints() == []
