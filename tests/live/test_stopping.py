"""Shutdown: running requests finish, incomplete ones are dropped, and the exit code is 0."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.known import BEER, KEY
from tests.live.program import Program, Start
from tests.live.raw import connect, post, read_until, statuses

pytestmark = pytest.mark.alone

BATCH = json.dumps({"beers": [BEER] * 1000}).encode()
MANY = post(body=BATCH, target=b"/predict/batch")
READY = b"GET /health/ready HTTP/1.1\r\nHost: beer\r\n\r\n"


@pytest.fixture
def program(start: Start) -> Program:
    """A program that the test may stop."""
    program = start(API_KEY=KEY, PORT="0")
    program.port()
    return program


@pytest.fixture
def idle(program: Program) -> Iterator[socket.socket]:
    """An open connection that has sent one request."""
    with connect(program.port()) as connection:
        connection.sendall(READY)
        assert statuses(read_until(connection, lambda data: data.endswith(b"}"))) == [200]
        yield connection


def test_during_shutdown_it_is_not_ready_and_responds_before_closing_connections(
    program: Program, idle: socket.socket
) -> None:
    program.process.send_signal(signal.SIGTERM)
    program.lines("Shutting down")
    with connect(program.port()) as newcomer:
        newcomer.sendall(READY)
        late = read_until(newcomer)
    idle.sendall(READY)
    last = read_until(idle)
    for answer in (late, last):
        assert statuses(answer) == [503] and b"connection: close" in answer
    assert program.exit_code() == 0


def test_without_connections_a_shutdown_ends_at_once(program: Program) -> None:
    started = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("hold", [False, True], ids=["in the program", "in the kernel"])
def test_running_and_waiting_requests_are_answered_before_the_end(program: Program, hold: bool) -> None:
    if hold:  # while stopped it accepts no connection: all of them, and the signal, wait when it goes on
        program.process.send_signal(signal.SIGSTOP)
    connections = [connect(program.port()) for _ in range(12)]
    senders = [threading.Thread(target=connection.sendall, args=(MANY,)) for connection in connections]
    for sender in senders:
        sender.start()
    program.process.send_signal(signal.SIGTERM)
    program.process.send_signal(signal.SIGCONT)
    for sender in senders:
        sender.join()
    answers = [read_until(connection) for connection in connections]
    for connection in connections:
        connection.close()
    assert [statuses(answer) for answer in answers] == [[200]] * 12
    assert all(len(answer) > 100_000 for answer in answers)
    assert program.exit_code() == 0


@pytest.mark.parametrize("data", [b"", MANY[:40], MANY[:-100]], ids=["nothing", "half a head", "half a body"])
def test_an_incomplete_request_does_not_delay_the_end(program: Program, data: bytes) -> None:
    with connect(program.port()) as connection:
        connection.sendall(data)
        started = time.monotonic()
        assert program.stop() == 0
        assert time.monotonic() - started < 3.0
        assert read_until(connection) == b""


def test_a_body_that_is_completed_during_shutdown_is_answered(program: Program) -> None:
    with connect(program.port()) as connection:
        connection.sendall(MANY[:-100])
        program.process.send_signal(signal.SIGTERM)
        program.lines("Shutting down")
        connection.sendall(MANY[-100:])
        assert statuses(read_until(connection)) == [200]
    assert program.exit_code() == 0


def test_a_client_that_does_not_read_is_reset_after_the_grace(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", SHUTDOWN_GRACE="2")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", program.port()))
        connection.sendall(b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: beer\r\n\r\n" * 20)
        assert connection.recv(1)
        started = time.monotonic()
        assert program.stop() == 0
        assert 1.0 < time.monotonic() - started < 4.0
    assert "Traceback" not in program.errors
