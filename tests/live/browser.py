"""A headless Chromium for tests, and the steps on the page /docs that several of them take."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import (
    element_to_be_clickable,
    invisibility_of_element_located,
    presence_of_element_located,
)
from selenium.webdriver.support.ui import WebDriverWait

DRIVER = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver") or "/usr/bin/chromedriver"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,1043",
)
PATIENCE = 30


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """Run Chromium with an empty profile and without name resolution, so that all files come from this machine.

    Args:
        profile: An empty folder.
    """
    options = ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options, ChromeService(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def clickable(browser: Chrome, selector: str) -> WebElement:
    """Wait until an element can be clicked, and return it."""
    return WebDriverWait(browser, PATIENCE).until(element_to_be_clickable((By.CSS_SELECTOR, selector)))


def authorize(browser: Chrome, key: str) -> None:
    """Enter the API key on the page /docs."""
    clickable(browser, ".auth-wrapper .authorize").click()
    clickable(browser, ".auth-container input").send_keys(key)
    clickable(browser, ".auth-btn-wrapper .authorize").click()
    clickable(browser, ".auth-btn-wrapper .btn-done").click()
    WebDriverWait(browser, PATIENCE).until(invisibility_of_element_located((By.CSS_SELECTOR, ".modal-ux")))


def execute(browser: Chrome, block: str) -> str:
    """Press Execute in the open block of an operation on the page /docs.

    Args:
        browser: The browser.
        block: Selector of the block.

    Returns:
        The body of the response as shown.
    """
    clickable(browser, f"{block} .execute").click()
    body = (By.CSS_SELECTOR, ".live-responses-table .response .highlight-code code")
    return WebDriverWait(browser, PATIENCE).until(presence_of_element_located(body)).text
