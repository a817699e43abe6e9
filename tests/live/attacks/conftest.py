"""A program that may take 512 MB, as in the containers."""

from collections.abc import Iterator

import pytest

from tests.live.program import Program, Start
from tests.memory_limit import MemoryLimit


@pytest.fixture
def memory() -> Iterator[MemoryLimit]:
    """The memory limit of the containers."""
    with MemoryLimit() as memory:
        yield memory


@pytest.fixture
def start_limited(start: Start, memory: MemoryLimit) -> Start:
    """A function that starts the program under the memory limit."""

    def start_limited(**settings: object) -> Program:
        program = start(first=memory.enter, **settings)
        memory.watch(program.process.pid)
        return program

    return start_limited
