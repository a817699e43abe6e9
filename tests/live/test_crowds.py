"""Crowds: more requests arrive at the same moment than may begin in one turn of the event loop."""

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

MANY = 2 * CROWD
LARGE = post(b"X-Request-ID: large\r\n", BODY + b" " * 400_000)
"""More than the server reads at once."""
_ID = re.compile(rb"x-request-id: (\S+)\r\n")


def _asked(name: str) -> bytes:
    return post(b"X-Request-ID: " + name.encode() + b"\r\n")


@contextmanager
def _halted(program: Program) -> Iterator[None]:
    """Stop the program: everything that is sent meanwhile has arrived when it goes on."""
    program.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        program.process.send_signal(signal.SIGCONT)


@contextmanager
def _crowd(program: Program) -> Iterator[list[socket.socket]]:
    crowd = [connect(program.port()) for _ in range(MANY)]
    try:
        for connection in crowd:  # the program has accepted each of them
            connection.sendall(_asked("first"))
        for connection in crowd:
            assert statuses(read_until(connection, lambda data: b'"ibu"' in data)) == [200]
        yield crowd
    finally:
        for connection in crowd:
            connection.close()


def _answers(count: int, connection: socket.socket) -> list[bytes]:
    """The request ids of this many responses, all of them 200; of all responses if the connection ends before."""
    received = read_until(connection, lambda data: len(_ID.findall(data)) >= count)
    assert set(statuses(received)) == {200}
    return _ID.findall(received)


def test_every_connection_of_a_crowd_gets_complete_responses_in_order(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _halted(program):
            for number, connection in enumerate(crowd):
                connection.sendall(b"".join(_asked(f"{number}-{turn}") for turn in range(3)))
                if number % 2:
                    connection.shutdown(socket.SHUT_WR)
        for number, connection in enumerate(crowd):
            expected = [f"{number}-{turn}".encode() for turn in range(3)]
            assert _answers(4 if number % 2 else 3, connection) == expected


def test_a_body_that_arrives_while_its_head_is_delayed_is_complete(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _halted(program):
            for number, connection in enumerate(crowd):
                connection.sendall(LARGE if number % MAX_BEGUN == MAX_BEGUN - 1 else _asked("small"))
        for number, connection in enumerate(crowd):
            expected = b"large" if number % MAX_BEGUN == MAX_BEGUN - 1 else b"small"
            assert _answers(1, connection) == [expected]


@pytest.mark.parametrize("gone", [True, False], ids=["half disconnected", "all connected"])
def test_a_shutdown_in_a_crowd_answers_and_ends(start: Start, gone: bool) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _halted(program):
            for connection in crowd:
                connection.sendall(_asked("last"))
            program.process.send_signal(signal.SIGTERM)
            for connection in crowd[::2] if gone else ():
                connection.close()
        for connection in crowd[1::2]:
            assert _answers(2, connection) == [b"last"]
    assert program.exit_code() == 0
