"""Crowds: more requests arrive at the same time than may start in one turn of the event loop."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.serving.fair_start import CROWD, MAX_BEGUN
from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.raw import BODY, connect, post, read_until, statuses

pytestmark = pytest.mark.alone

MANY = 2 * CROWD
LARGE = post(b"X-Request-ID: large\r\n", BODY + b" " * 400_000)
"""A request larger than one read of the server."""
_ID = re.compile(rb"x-request-id: (\S+)\r\n")


def _request(name: str) -> bytes:
    return post(b"X-Request-ID: " + name.encode() + b"\r\n")


@contextmanager
def _paused(program: Program) -> Iterator[None]:
    """Pause the program. All requests sent in the meantime have arrived when it continues."""
    program.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        program.process.send_signal(signal.SIGCONT)


@contextmanager
def _crowd(program: Program) -> Iterator[list[socket.socket]]:
    crowd = [connect(program.port()) for _ in range(MANY)]
    try:
        for connection in crowd:  # afterwards the program has accepted all connections
            connection.sendall(_request("first"))
        for connection in crowd:
            assert statuses(read_until(connection, lambda data: b'"ibu"' in data)) == [200]
        yield crowd
    finally:
        for connection in crowd:
            connection.close()


def _response_ids(count: int, connection: socket.socket) -> list[bytes]:
    """Return the request ids of a number of responses, or of all responses if the connection ends. All must be 200."""
    received = read_until(connection, lambda data: len(_ID.findall(data)) >= count)
    assert set(statuses(received)) == {200}
    return _ID.findall(received)


def test_every_connection_of_a_crowd_gets_complete_responses_in_order(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _paused(program):
            for number, connection in enumerate(crowd):
                connection.sendall(b"".join(_request(f"{number}-{turn}") for turn in range(3)))
                if number % 2:
                    connection.shutdown(socket.SHUT_WR)
        for number, connection in enumerate(crowd):
            expected = [f"{number}-{turn}".encode() for turn in range(3)]
            assert _response_ids(4 if number % 2 else 3, connection) == expected


def test_a_body_that_arrives_while_its_head_is_delayed_is_complete(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _paused(program):
            for number, connection in enumerate(crowd):
                connection.sendall(LARGE if number % MAX_BEGUN == MAX_BEGUN - 1 else _request("small"))
        for number, connection in enumerate(crowd):
            expected = b"large" if number % MAX_BEGUN == MAX_BEGUN - 1 else b"small"
            assert _response_ids(1, connection) == [expected]


@pytest.mark.parametrize("disconnect", [True, False], ids=["half disconnected", "all connected"])
def test_a_shutdown_in_a_crowd_completes_all_responses(start: Start, disconnect: bool) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _paused(program):
            for connection in crowd:
                connection.sendall(_request("last"))
            program.process.send_signal(signal.SIGTERM)
            for connection in crowd[::2] if disconnect else ():
                connection.close()
        for connection in crowd[1::2]:
            assert _response_ids(2, connection) == [b"last"]
    assert program.exit_code() == 0
