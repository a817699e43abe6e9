"""A headless Firefox for tests, driven by selenium over Marionette, the protocol that is built into Firefox.

selenium otherwise speaks WebDriver over HTTP with geckodriver. That program translates each command to the command of
Marionette with the same parameters; Debian does not have it.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import FirefoxOptions
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver

FIREFOX = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox") or ""
PATIENCE = 60
_PREFERENCES: dict[str, object] = {
    "marionette.port": 0,  # a free one, which Firefox writes into the profile
    "network.proxy.type": 1,  # everything but this machine is asked of a proxy that does not exist
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.allow_hijacking_localhost": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.aboutwelcome.enabled": False,
    "browser.tabs.remote.separatePrivilegedContentProcess": False,
    "dom.ipc.processCount": 1,
    "dom.ipc.processPrelaunch.enabled": False,
    "devtools.jsonview.enabled": False,  # it would show JSON in a page of the browser's own
    "intl.accept_languages": "en-US, en",
    "intl.locale.requested": "en-US",
}
_COMMANDS = {
    Command.NEW_SESSION: "NewSession",
    Command.QUIT: "DeleteSession",
    Command.GET: "Navigate",
    Command.GET_CURRENT_URL: "GetCurrentURL",
    Command.GET_TITLE: "GetTitle",
    Command.GO_BACK: "Back",
    Command.GO_FORWARD: "Forward",
    Command.REFRESH: "Refresh",
    Command.NEW_WINDOW: "NewWindow",
    Command.CLOSE: "CloseWindow",
    Command.SWITCH_TO_WINDOW: "SwitchToWindow",
    Command.W3C_GET_WINDOW_HANDLES: "GetWindowHandles",
    Command.W3C_GET_CURRENT_WINDOW_HANDLE: "GetWindowHandle",
    Command.SET_WINDOW_RECT: "SetWindowRect",
    Command.FIND_ELEMENT: "FindElement",
    Command.FIND_ELEMENTS: "FindElements",
    Command.FIND_CHILD_ELEMENT: "FindElement",
    Command.FIND_CHILD_ELEMENTS: "FindElements",
    Command.W3C_GET_ACTIVE_ELEMENT: "GetActiveElement",
    Command.CLICK_ELEMENT: "ElementClick",
    Command.CLEAR_ELEMENT: "ElementClear",
    Command.SEND_KEYS_TO_ELEMENT: "ElementSendKeys",
    Command.GET_ELEMENT_TEXT: "GetElementText",
    Command.GET_ELEMENT_PROPERTY: "GetElementProperty",
    Command.GET_ELEMENT_ATTRIBUTE: "GetElementAttribute",
    Command.GET_ELEMENT_TAG_NAME: "GetElementTagName",
    Command.IS_ELEMENT_ENABLED: "IsElementEnabled",
    Command.IS_ELEMENT_SELECTED: "IsElementSelected",
    Command.W3C_EXECUTE_SCRIPT: "ExecuteScript",
    Command.W3C_EXECUTE_SCRIPT_ASYNC: "ExecuteAsyncScript",
    Command.W3C_ACTIONS: "PerformActions",
    Command.W3C_CLEAR_ACTIONS: "ReleaseActions",
    Command.SCREENSHOT: "TakeScreenshot",
    Command.PRINT_PAGE: "Print",
}
"""Marionette's commands by those of selenium."""


class _Marionette(RemoteConnection):
    """Sends selenium's commands to Firefox, each as `LENGTH:JSON` (Marionette's protocol of level 3)."""

    def __init__(self, port: int) -> None:
        super().__init__(client_config=ClientConfig(remote_server_addr="http://127.0.0.1"))
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        assert self._read()["marionetteProtocol"] == 3

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Run a command, and return its value or error as selenium expects it."""
        parameters = {name: value for name, value in (params or {}).items() if name != "sessionId"}
        if command in (Command.FIND_CHILD_ELEMENT, Command.FIND_CHILD_ELEMENTS):
            parameters["element"] = parameters.pop("id")
        if command == Command.NEW_SESSION:
            parameters = {"acceptInsecureCerts": False}
        if command == Command.SCREENSHOT:
            parameters = {"full": False}
        error, value = self.send(f"WebDriver:{_COMMANDS[command]}", parameters)
        if error is not None:
            return {"status": 500, "value": json.dumps({"value": error})}
        return {"value": value["value"] if isinstance(value, dict) and value.keys() == {"value"} else value}

    def send(self, name: str, parameters: dict[str, Any]) -> tuple[dict[str, Any] | None, Any]:
        """Send a command of Marionette, and return its error and its value."""
        self._number += 1
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, value = self._read()
        assert number == self._number
        return error, value

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()

    def _read(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self._stream.read(1)
            assert byte, "Firefox has closed the connection"
            length += byte
        return json.loads(self._stream.read(int(length[:-1])))


class Firefox(WebDriver):
    """Firefox as selenium sees a browser, and the parts of its window that no page reaches."""

    def __init__(self, port: int) -> None:
        """Connect to a Firefox that listens on a port."""
        self._marionette = _Marionette(port)
        super().__init__(self._marionette, options=FirefoxOptions())
        self._is_remote = False  # selenium uploads files to other machines

    def execute_in_window(self, script: str, *values: object) -> Any:
        """Run a script with the rights of the browser's own window, and return its value."""
        self._marionette.send("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.execute_script(script, *values)
        finally:
            self._marionette.send("Marionette:SetContext", {"value": "content"})

    def quit(self) -> None:
        """End the session and the connection."""
        super().quit()
        self._marionette.close()


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Run Firefox with an empty profile and without a network.

    Args:
        profile: An empty folder.
    """
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
    process = subprocess.Popen(
        [*command, "--profile", str(profile)],
        env=os.environ | {"HOME": str(profile), "MOZ_HEADLESS_WIDTH": "1280", "MOZ_HEADLESS_HEIGHT": "1043"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        browser = Firefox(_port(profile, process))
        try:
            yield browser
        finally:
            browser.quit()
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the port that Firefox has chosen, once it listens."""
    deadline = time.monotonic() + PATIENCE
    file = profile / "MarionetteActivePort"
    while not (file.is_file() and file.read_text()):
        assert process.poll() is None, f"Firefox ended with status {process.returncode}"
        assert time.monotonic() < deadline, "Firefox does not start"
        time.sleep(0.1)
    return int(file.read_text())
