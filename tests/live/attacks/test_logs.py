"""Attack: a log that nobody reads, that is closed or full. The program goes on, and ends when it is told to."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator

import pytest

from tests.known import BEER, KEY
from tests.live.program import Program, Start, free_port
from tests.live.raw import connect, post, read_until, send_and_read, statuses
from tests.memory_limit import MemoryLimit

CALL = post(body=json.dumps(BEER).encode())
CALLS = 1200
"""Requests, whose log lines are four times what a pipe holds."""


class Stderr:
    """A standard error stream that somebody has spoilt."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.full = os.open("/dev/full", os.O_WRONLY)
        self.spoil: dict[str, Callable[[], object]] = {
            "unread": lambda: os.dup2(self.writing, 2),
            "without a reader": lambda: os.dup2(self.writing, 2),
            "closed": lambda: os.close(2),
            "full": lambda: os.dup2(self.full, 2),
        }

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in self.reading, self.writing, self.full:
            if descriptor >= 0:
                os.close(descriptor)


@pytest.fixture
def stderr() -> Iterator[Stderr]:
    """Descriptors for the program's standard error."""
    stderr = Stderr()
    yield stderr
    stderr.close()


def _answered(port: int, count: int) -> int:
    """Send requests one after the other on a connection, and return how many were answered with 200."""
    answered = 0
    with connect(port) as connection:
        connection.settimeout(10)
        for _ in range(count):
            connection.sendall(CALL)
            answer = read_until(connection, lambda data: b"\r\n\r\n" in data and data.endswith(b"}"))
            answered += statuses(answer) == [200]
    return answered


def _dropped(management: int) -> int:
    answer = send_and_read(management, b"GET /metrics HTTP/1.1\r\nHost: beer\r\nConnection: close\r\n\r\n")
    match = re.search(rb"^log_lines_dropped_total (\d+)", answer, re.MULTILINE)
    assert match
    return int(match[1])


@pytest.mark.alone
@pytest.mark.parametrize(
    ("kind", "workers"),
    [("unread", 1), ("unread", 2), ("without a reader", 1), ("closed", 1), ("closed", 2), ("full", 1), ("full", 2)],
)
def test_the_program_serves_and_stops_whatever_becomes_of_its_log(
    start: Start, stderr: Stderr, kind: str, workers: int
) -> None:
    port, management = free_port(), free_port()
    with MemoryLimit() as memory:

        def first() -> None:
            memory.enter()
            stderr.spoil[kind]()

        program: Program = start(
            first=first, API_KEY=KEY, PORT=str(port), MANAGEMENT_PORT=str(management), WORKERS=str(workers)
        )
        memory.watch(program.process.pid)
        program.listening(port)
        os.close(stderr.writing)
        stderr.writing = -1
        if kind == "without a reader":
            os.close(stderr.reading)
            stderr.reading = -1
        assert _answered(port, CALLS) == CALLS
        live = send_and_read(management, b"GET /health/live HTTP/1.1\r\nHost: beer\r\nConnection: close\r\n\r\n")
        assert statuses(live) == [200]
        if kind != "unread":
            deadline = time.monotonic() + 5
            while (dropped := _dropped(management)) < CALLS:
                assert time.monotonic() < deadline, dropped
                time.sleep(0.1)
        started = time.monotonic()
        assert program.stop() == 0
        assert time.monotonic() - started < 5
        assert memory.peak < 300 * workers * 1024**2 and not memory.killed


def test_a_log_that_is_read_again_has_the_first_lines_and_the_number_of_lost_ones(start: Start, stderr: Stderr) -> None:
    port, management = free_port(), free_port()
    program: Program = start(
        first=stderr.spoil["unread"], API_KEY=KEY, PORT=str(port), MANAGEMENT_PORT=str(management), LOG_LEVEL="INFO"
    )
    program.listening(port)
    os.close(stderr.writing)
    stderr.writing = -1
    call = b"GET /health/live HTTP/1.1\r\nHost: beer\r\nX-Request-ID: " + b"x" * 64 + b"\r\n\r\n"
    with connect(port) as connection:
        for _ in range(CALLS // 10 * 5):
            connection.sendall(call * 10)  # with a line of 250 bytes each
            read_until(connection, lambda data: data.count(b'{"status":"live"}') == 10)
        lost = _dropped(management)
        assert lost > 0
    text, reported = b"", 0  # the loss may be reported in parts
    while reported < lost:
        text += os.read(stderr.reading, 65536)
        whole = text[: text.rindex(b"\n") + 1] if b"\n" in text else b""
        notices = [json.loads(line)["message"] for line in whole.splitlines() if b"log lines were lost" in line]
        reported = sum(int(notice.split(" ")[0]) for notice in notices)
    assert reported == lost
    assert text.count(b'"event": "request"') + lost == 5 * CALLS
    assert program.stop() == 0
