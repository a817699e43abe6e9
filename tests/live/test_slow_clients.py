"""Thousands of deliberately slow clients: they are disconnected in time while a normal client is served."""

import os
import resource
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.raw import BODY, HEAD, connect, post, read_until, send_and_read, statuses

pytestmark = pytest.mark.alone

COUNT = 2_000
TOLERANCE = 1.0 + 2.0 * (os.getloadavg()[0] > 2)
"""Seconds by which a busy machine may notice a timeout late."""


@pytest.fixture
def open_files() -> Iterator[None]:
    """Allow this process to hold thousands of sockets."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


HALF_HEAD = b"POST /predict HTTP/1.1\r\nHost: be"
HALF_BODY = post(body=BODY + b" " * 1000)[:-1000]
KINDS = (b"", HALF_HEAD, HALF_BODY, post())
"""Silent (or half-open, which looks the same); slow headers; slow body; one request, then idle."""


class HeldConnection(NamedTuple):
    """An open connection."""

    connection: socket.socket
    drop: bytes
    """The byte that it sends periodically, or nothing."""
    since: float
    """Time of the connection, in seconds of the monotonic clock."""


def _hold(program: Program, count: int, seconds: float) -> float:
    """Hold connections, and send a byte periodically on each slow one, until the server has closed all.

    Returns:
        Seconds for which the last one was open.
    """
    held: dict[int, HeldConnection] = {}
    try:
        return _hold_until_gone(program, count, seconds, held)
    finally:
        for client in held.values():
            client.connection.close()


def _hold_until_gone(program: Program, count: int, seconds: float, held: dict[int, HeldConnection]) -> float:
    poller = select.poll()
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        connection = connect(program.port())
        connection.sendall(kind)
        drop = b"" if kind in (b"", post()) else b"x" if kind is HALF_HEAD else b" "
        held[connection.fileno()] = HeldConnection(connection, drop, time.monotonic())
        poller.register(connection, select.POLLIN)
    opened = fed = time.monotonic()
    slowest = longest = 0.0
    while held:
        now = time.monotonic()
        assert now - opened < seconds, f"{len(held)} of {count} are still open after {seconds} s"
        if now - fed > 0.5:
            fed = now
            for client in held.values():
                _feed(client.connection, client.drop)
            sent = time.monotonic()
            assert statuses(send_and_read(program.port(), post())) == [200]
            slowest = max(slowest, time.monotonic() - sent)
        for descriptor, _ in poller.poll(100):
            client = held[descriptor]
            if _ended(client.connection):
                longest = max(longest, time.monotonic() - client.since)
                poller.unregister(client.connection)
                client.connection.close()
                del held[descriptor]
    print(f"\n{count} were open for {longest:.1f} s at most; a normal client waited {slowest * 1000:.0f} ms at most")
    assert slowest < 1.0, "a normal client waited"
    return longest


def _feed(connection: socket.socket, drop: bytes) -> None:
    try:
        connection.send(drop)
    except OSError:
        pass  # closed meanwhile; the poll reports it


def _ended(connection: socket.socket) -> bool:
    try:
        return not connection.recv(65536)
    except OSError:
        return True


def test_two_thousand_slow_clients_are_closed_in_time(start: Start, open_files: None) -> None:
    program = start(API_KEY=KEY, PORT="0", HEADER_TIMEOUT="3", BODY_TIMEOUT="4", KEEP_ALIVE_TIMEOUT="2")
    program.port()
    assert 3 <= _hold(program, COUNT, 4 + TOLERANCE) <= 4 + TOLERANCE
    assert program.stop() == 0


@pytest.mark.nightly
def test_two_thousand_slow_clients_are_closed_within_15_seconds_by_default(start: Start, open_files: None) -> None:
    program = start(API_KEY=KEY, PORT="0")
    program.port()
    assert 13 < _hold(program, COUNT, 15 + TOLERANCE) <= 15 + TOLERANCE


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program with short timeouts."""
    settings: dict[str, Any] = {"HEADER_TIMEOUT": "2", "BODY_TIMEOUT": "3", "KEEP_ALIVE_TIMEOUT": "2"}
    program = Program(tmp_path_factory.mktemp("impatient"), API_KEY=KEY, PORT="0", **settings)
    yield program
    program.close()


def _closed_after(program: Program, data: bytes) -> tuple[float, bytes]:
    with connect(program.port()) as connection:
        started = time.monotonic()
        connection.sendall(data)
        received = read_until(connection)
        return time.monotonic() - started, received


CUT_OFF = {
    "silent": (b"", 1.0, 2.0, []),
    "blank lines": (b"\r\n\r\n", 1.0, 2.0, []),
    "half a head": (HALF_HEAD, 1.0, 2.0, [408]),
    "half a body": (HALF_BODY, 2.0, 3.0, [408]),
    "one request, then idle": (post(), 1.0, 2.0, [200]),
    "a request and half a head": (post() + HALF_HEAD, 1.0, 2.0, [200, 408]),
    "100 Continue, then silence": (post(b"Expect: 100-continue\r\n")[: -len(BODY)], 2.0, 3.0, [100, 408]),
    "an unexpected body": (b"GET /health/live HTTP/1.1\r\nHost: beer\r\nContent-Length: 9\r\n\r\n", 2.0, 3.0, [200]),
    "no key and no body": (b"POST /predict HTTP/1.1\r\nHost: beer\r\nContent-Length: 9\r\n\r\n", 1.5, 2.5, [401]),
}


def test_incomplete_requests_are_closed_in_time(impatient: Program) -> None:
    with ThreadPoolExecutor(len(CUT_OFF)) as clients:
        results = list(clients.map(lambda case: _closed_after(impatient, case[0]), CUT_OFF.values()))
    for name, (_, minimum, maximum, expected), (seconds, received) in zip(
        CUT_OFF, CUT_OFF.values(), results, strict=True
    ):
        assert statuses(received) == expected, name
        assert minimum <= seconds <= maximum + TOLERANCE, f"{name}: {seconds:.2f} s"


def test_a_client_that_does_not_read_is_disconnected(impatient: Program) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port()))
        connection.settimeout(15)
        request = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\n" + HEAD + b"\r\n"
        connection.sendall(request * 20)
        deadline = time.monotonic() + 15
        gone = select.poll()
        gone.register(connection, select.POLLHUP | select.POLLERR)
        assert gone.poll(1000 * (deadline - time.monotonic())), "still open"
