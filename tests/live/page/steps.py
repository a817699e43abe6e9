"""Steps on the brewer's page that several tests take."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.live.browser import PATIENCE
from tests.live.firefox import Firefox

both_browsers = pytest.mark.parametrize("page_at", ["browser", "firefox"], ids=["chromium", "firefox"], indirect=True)
"""Runs a test in Chromium and in Firefox."""
MOST_STOPS = 60
"""Elements that the tabulator passes at most."""
TABS = ("recipe", "why", "target", "whatif", "compare", "brewery")


class Page:
    """The page in a browser."""

    browser: WebDriver

    def __init__(self, browser: WebDriver, port: int) -> None:
        """Create the page; `open` opens it."""
        self.browser = browser
        self.address = f"http://127.0.0.1:{port}/"

    def open(self, fragment: str = "") -> None:
        """Open the page in a new tab of a browser that has never seen it."""
        self.browser.switch_to.new_window("tab")
        self.forget()
        self.visit(fragment)

    def forget(self) -> None:
        """Remove what the browser keeps of the page."""
        raise NotImplementedError

    def visit(self, fragment: str = "") -> None:
        """Open the page in this tab."""
        self.browser.get(self.address + fragment)
        self.until(lambda: self.one("html.started"))

    def reload(self, *, without_cache: bool = False) -> None:
        """Load the page anew, as the user does; if wanted, without the files that the browser itself keeps."""
        if without_cache:
            self.clear_cache()
        self.browser.refresh()

    def clear_cache(self) -> None:
        """Remove the files that the browser itself keeps."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the tab."""
        self.browser.close()
        self.browser.switch_to.window(self.browser.window_handles[0])

    def one(self, selector: str) -> WebElement:
        """Find an element."""
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> Sequence[WebElement]:
        """Find all elements."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition is true, and return its value."""
        return WebDriverWait(self.browser, PATIENCE, 0.05, [Exception]).until(lambda _: condition())

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.one(selector).get_property("textContent"))

    def field(self, key: str) -> WebElement:
        """Find the control of a field, such as `og` or `hops.1.amount`."""
        return self.one(f'[data-focus="{key}"]')

    def value(self, key: str) -> str:
        """Return the value of a field."""
        return str(self.field(key).get_property("value"))

    def type(self, key: str, text: str) -> None:
        """Type a value in place of what a field has, and leave it."""
        field = self.field(key)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text or Keys.DELETE)
        field.send_keys(Keys.TAB)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        ActionChains(self.browser).send_keys(*keys).perform()

    def reach(self, selector: str, *, backwards: bool = False) -> None:
        """Go to an element with the tabulator."""
        for _ in range(MOST_STOPS):
            if self.browser.execute_script("return document.activeElement.matches(arguments[0])", selector):
                return
            tab = ActionChains(self.browser)
            tab.key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT) if backwards else tab.send_keys(Keys.TAB)
            tab.perform()
        raise AssertionError(f"{selector} is not reached by the keyboard")

    def choose(self, key: str, value: str) -> None:
        """Choose a value of a field with a list."""
        Select(self.field(key)).select_by_value(value)

    def tab(self, name: str) -> None:
        """Open one of the tabs."""
        self.one(f"#tab-{name}").click()

    def example(self) -> None:
        """Start from the example, and wait for its answer."""
        self.one(".open-example").click()
        self.until(lambda: self.text("#ibu") != "–" and not self.all("#answer.stale"))

    def import_file(self, path: Path) -> None:
        """Open a recipe file by the button."""
        self.one("#file").send_keys(str(path))

    def paste(self, text: str) -> None:
        """Paste a text onto the page."""
        raise NotImplementedError

    def ibu(self) -> float:
        """Return the figure that is shown."""
        return float(self.text("#ibu"))

    def recipe(self) -> dict[str, Any]:
        """Return the recipe as this tab keeps it."""
        kept = self.browser.execute_script("return sessionStorage.getItem('beer-model.draft')")
        recipe: dict[str, Any] = json.loads(kept)
        return recipe

    def messages(self, scope: str = "main") -> list[str]:
        """Return the messages at the fields of a part of the page."""
        return [str(item.get_property("textContent")) for item in self.all(f"{scope} .messages li")]

    def size(self, width: int, height: int = 800, *, dark: bool = False) -> None:
        """Set the size of what the page fills, which may be smaller than a browser's own minimum, and the colours."""
        raise NotImplementedError

    def save_to(self, folder: Path) -> None:
        """Set the folder of downloads."""
        raise NotImplementedError

    def complaints(self) -> list[str]:
        """Return what the browser complained about since the last time, but for requests that were rejected."""
        raise NotImplementedError


class ChromiumPage(Page):
    """The page in Chromium."""

    browser: Chrome

    def forget(self) -> None:
        """Remove what the browser keeps of the page."""
        for types in ("local_storage", "service_workers", "cache_storage"):
            arguments = {"origin": self.address[:-1], "storageTypes": types}
            self.browser.execute_cdp_cmd("Storage.clearDataForOrigin", arguments)

    def size(self, width: int, height: int = 800, *, dark: bool = False) -> None:
        """Set the size of what the page fills, which may be smaller than a browser's own minimum, and the colours."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def clear_cache(self) -> None:
        """Remove the files that the browser itself keeps."""
        self.browser.execute_cdp_cmd("Network.clearBrowserCache", {})

    def save_to(self, folder: Path) -> None:
        """Set the folder of downloads."""
        self.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})

    def complaints(self) -> list[str]:
        """Return what the console says since the last time, but for requests that were rejected or not answered."""
        lines = [line for line in self.browser.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
        return [line["message"] for line in lines if "Failed to load resource" not in line["message"]]

    def paste(self, text: str) -> None:
        """Paste a text onto the page."""
        self.browser.execute_script(
            "const data = new DataTransfer(); data.setData('text/plain', arguments[0]);"
            "document.body.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))",
            text,
        )


class FirefoxPage(Page):
    """The page in Firefox."""

    browser: Firefox

    def reload(self, *, without_cache: bool = False) -> None:
        """Load the page anew by a script: Marionette's command to refresh passes the service worker by."""
        if without_cache:
            self.clear_cache()
        self.browser.execute_script("document.documentElement.classList.remove('started'); location.reload()")
        self.until(lambda: self.one("html.started"))

    def clear_cache(self) -> None:
        """Remove the files that the browser itself keeps."""
        self.browser.execute_in_window("Services.cache2.clear()")

    def forget(self) -> None:
        """Remove what the browser keeps of the page."""
        self.browser.get(f"{self.address}health/live")
        self.browser.execute_async_script(
            "const done = arguments[0]; localStorage.clear(); sessionStorage.clear();"
            "Promise.all(["
            "  navigator.serviceWorker.getRegistrations().then((all) => Promise.all(all.map((x) => x.unregister()))),"
            "  caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name)))),"
            "]).then(() => done(), (error) => done(String(error)))"
        )

    def size(self, width: int, height: int = 800, *, dark: bool = False) -> None:
        """Set the size of what the page fills, which may be smaller than a browser's own minimum, and the colours."""
        self.browser.execute_in_window(
            "const [width, height, scheme] = arguments; const style = gBrowser.selectedBrowser.style;"
            "style.maxWidth = `${width}px`; style.maxHeight = `${height}px`;"
            "Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', scheme)",
            width,
            height,
            0 if dark else 1,
        )
        self.until(lambda: self.browser.execute_script("return innerWidth") == width)

    def save_to(self, folder: Path) -> None:
        """Set the folder of downloads."""
        self.browser.execute_in_window(
            "Services.prefs.setIntPref('browser.download.folderList', 2);"
            "Services.prefs.setStringPref('browser.download.dir', arguments[0])",
            str(folder),
        )

    def complaints(self) -> list[str]:
        """Return errors of the page's scripts and what its policy forbade, since the last time."""
        messages: list[str] = self.browser.execute_in_window(
            "const messages = Services.console.getMessageArray(); Services.console.reset();"
            "return messages.filter((message) => message instanceof Ci.nsIScriptError &&"
            "  message.sourceName.startsWith(arguments[0])).map(String)",
            self.address,
        )
        return messages

    def paste(self, text: str) -> None:
        """Paste a text onto the page, from the clipboard."""
        self.browser.execute_in_window(
            "Cc['@mozilla.org/widget/clipboardhelper;1'].getService(Ci.nsIClipboardHelper).copyString(arguments[0])",
            text,
        )
        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys("v").key_up(Keys.CONTROL).perform()
