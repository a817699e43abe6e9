"""Checks of a page's accessibility in the browser, by axe-core from npm (requirements/npm/page)."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

_AXE = os.environ.get("AXE", "")
needs_axe = pytest.mark.skipif(
    not Path(_AXE).is_file(), reason="axe-core is not installed by npm (`tox -e tests` does it; AXE names the file)"
)
_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((result) => done(result.violations), (error) => done(`${error}`));
"""


@cache
def _source() -> str:
    return Path(_AXE).read_text("utf-8")


def violations(browser: "WebDriver") -> list[str]:
    """Return what axe-core finds wrong in the page as it is shown now, one line for each element.

    Args:
        browser: A browser that shows the page. The driver's scripts run in spite of the page's Content-Security-Policy.
    """
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(_source())
    found: list[dict[str, Any]] | str = browser.execute_async_script(_RUN)
    assert isinstance(found, list), found
    return [f"{each['id']} ({each['impact']}): {node['html']}" for each in found for node in each["nodes"]]
