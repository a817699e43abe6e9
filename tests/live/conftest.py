"""The program as a process: one shared by the whole session, and any number started by single tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.known import KEY
from tests.live.program import Program, Start

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as live."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The running program with the tests' API key. It is stopped at the end of the session."""
    program = Program(tmp_path_factory.mktemp("program"), API_KEY=KEY, PORT="0", AUTH_FAILURES_PER_MINUTE="0")
    try:
        program.port()
        yield program
    finally:
        program.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts the program in the test's folder. All started programs are stopped after the test."""
    started: list[Program] = []

    def start(folder: Path = tmp_path, **more: object) -> Program:
        started.append(Program(folder, **more))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for program in started:
        program.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Chrome]":
    """A headless Chromium."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    from tests.live.browser import DRIVER, chromium

    if not Path(DRIVER).exists():
        pytest.skip(f"no chromedriver at {DRIVER} (Debian: chromium-driver)")
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser
