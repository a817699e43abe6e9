"""Crowds: more connections than begin in a turn of the event loop want something in the same moment."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.serving.fair_start import CROWD, MAX_BEGUN
from tests.known import KEY
from tests.live.conftest import Start
from tests.live.program import Program
from tests.live.raw import BODY, connect, post, read_until, statuses

MANY = 2 * CROWD
LARGE = post(b"X-Request-ID: large\r\n", BODY + b" " * 400_000)
"""More than the server reads at once."""
_ID = re.compile(rb"x-request-id: (\S+)\r\n")


def _asked(name: str) -> bytes:
    return post(b"X-Request-ID: " + name.encode() + b"\r\n")


@contextmanager
def _halted(program: Program) -> Iterator[None]:
    """What is sent meanwhile is all there when the program goes on."""
    program.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        program.process.send_signal(signal.SIGCONT)


@contextmanager
def _crowd(program: Program) -> Iterator[list[socket.socket]]:
    crowd = [connect(program.port()) for _ in range(MANY)]
    try:
        for connection in crowd:  # each is known to the program
            connection.sendall(_asked("first"))
        for connection in crowd:
            assert statuses(read_until(connection, lambda data: b'"ibu"' in data)) == [200]
        yield crowd
    finally:
        for connection in crowd:
            connection.close()


def _answers(count: int, connection: socket.socket) -> list[bytes]:
    """The request ids of so many answers, all of them good; of all until the end, if there are fewer."""
    received = read_until(connection, lambda data: len(_ID.findall(data)) >= count)
    assert set(statuses(received)) == {200}
    return _ID.findall(received)


def test_each_of_a_crowd_is_answered_whole_and_in_its_order(start: Start) -> None:
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


def test_a_body_that_comes_while_its_head_waits_is_taken_whole(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with _crowd(program) as crowd:
        with _halted(program):
            for number, connection in enumerate(crowd):
                connection.sendall(LARGE if number % MAX_BEGUN == MAX_BEGUN - 1 else _asked("small"))
        for number, connection in enumerate(crowd):
            expected = b"large" if number % MAX_BEGUN == MAX_BEGUN - 1 else b"small"
            assert _answers(1, connection) == [expected]


@pytest.mark.parametrize("gone", [True, False], ids=["half of it hung up", "all of it stayed"])
def test_a_crowd_does_not_keep_it_from_ending_and_is_answered(start: Start, gone: bool) -> None:
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
    assert program.ended() == 0
