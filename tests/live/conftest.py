"""The program as a process: one that the session shares, and as many more as a test starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.known import KEY
from tests.live.program import Program, Start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder is live."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program, serving on a port of its own with the tests' key; stopped at the end of the session."""
    program = Program(tmp_path_factory.mktemp("program"), API_KEY=KEY, PORT="0", AUTH_FAILURES_PER_MINUTE="0")
    try:
        program.port()
        yield program
    finally:
        program.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program in the test's own folder; whatever still runs at the end is stopped."""
    started: list[Program] = []

    def start(folder: Path = tmp_path, **more: object) -> Program:
        started.append(Program(folder, **more))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for program in started:
        program.close()
