"""Connections that do not read, and heads that no client needs, over real sockets."""

import os
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.known import KEY
from tests.live.program import Program, Start, free_port
from tests.live.raw import HEAD, connect, post, read_until, send_and_read, statuses
from tests.memory_limit import MemoryLimit

pytestmark = pytest.mark.alone

DOWNLOADS = 100
CLIENTS = 2_000
BODY_SECONDS = 2
MOST_PER_CONNECTION = 400_000
"""Bytes that the kernel may hold per connection: the send buffer, which Linux doubles, and its last segment."""
LIVE = b"GET /health/live HTTP/1.1\r\nHost: beer\r\n\r\n"
DOWNLOAD = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: beer\r\n"
LINUX = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the kernel's queues are read from /proc")


@pytest.fixture
def program(start: Start) -> Iterator[Program]:
    """The program with short time-outs."""
    yield start(API_KEY=KEY, PORT="0", BODY_TIMEOUT=str(BODY_SECONDS), KEEP_ALIVE_TIMEOUT="2")


def unread(port: int) -> list[int]:
    """Bytes that the kernel holds for each connection of a port, of processes and left over."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [int(row[4].split(":")[0], 16) for row in rows if int(row[1].split(":")[1], 16) == port and row[3] != "0A"]
    return [queue for queue in queues if queue]


@LINUX
@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"], ids=["open", "closing"])
def test_the_kernel_keeps_little_of_unread_downloads_and_not_for_long(program: Program, closing: bytes) -> None:
    port = program.port()
    with ExitStack() as stack:
        for _ in range(DOWNLOADS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(DOWNLOAD + closing + b"\r\n")
        time.sleep(1)
        held = unread(port)
        print(f"{sum(held) / 1e6:.1f} MB for {len(held)} connections")
        assert DOWNLOADS <= len(held) <= DOWNLOADS + 5 and max(held) < MOST_PER_CONNECTION
        deadline = time.monotonic() + 4 * BODY_SECONDS
        while unread(port) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not unread(port)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process to hold thousands of sockets."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_thousands_of_unread_downloads_share_their_file(
    start_limited: Start, memory: MemoryLimit, many_files: None
) -> None:
    program = start_limited(API_KEY=KEY, PORT="0")
    port = program.port()
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            client.sendall(DOWNLOAD + b"\r\n")
        time.sleep(1)
        assert statuses(send_and_read(port, post())) == [200]
        print(f"peak {memory.peak / 1e6:.0f} MB")
        assert not memory.killed and memory.peak < 350e6
    assert program.stop() == 0 and "Traceback" not in program.errors


@LINUX
def test_a_slow_download_is_complete(program: Program) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", program.port()))
        connection.sendall(DOWNLOAD + b"\r\n")
        received = connection.recv(65536)
        length = int(received.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        total = received.index(b"\r\n\r\n") + 4 + length
        size, started = len(received), time.monotonic()
        while size < total:
            piece = connection.recv(min(65536, total - size))
            assert piece, f"closed after {size} of {total} bytes"
            size += len(piece)
            time.sleep(max(0.0, size / total * 3 * BODY_SECONDS - (time.monotonic() - started)))
        assert time.monotonic() - started > 2 * BODY_SECONDS


def test_a_download_that_is_read_is_complete(program: Program) -> None:
    with connect(program.port()) as connection:
        connection.sendall(DOWNLOAD + b"Connection: close\r\n\r\n")
        head, _, body = read_until(connection).partition(b"\r\n\r\n")
    assert statuses(head) == [200] and f"content-length: {len(body)}".encode() in head.lower()


def test_headers_are_counted_in_short_heads(program: Program) -> None:
    for count, status in [(199, 200), (200, 431), (1000, 431)]:  # and the Host
        head = b"GET /health/live HTTP/1.1\r\nHost: beer\r\n" + b"a:\r\n" * count
        assert statuses(send_and_read(program.port(), head + b"\r\n")) == [status]


OPEN_FILES = 96
"""Limit of open files; the program itself needs about 20."""
READ_FILES = (b"/docs", b"/docs/assets/docs.js", b"/metrics")
"""Routes whose answers need a file descriptor."""


def processor_seconds(program: Program) -> float:
    """Processor time that the program has used."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@LINUX
def test_connections_leave_file_descriptors_to_the_program(start: Start) -> None:
    management = free_port()
    program = start(
        first=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES)),
        API_KEY=KEY,
        PORT="0",
        MANAGEMENT_PORT=str(management),
        HEADER_TIMEOUT="60",
        KEEP_ALIVE_TIMEOUT="60",
    )
    port = program.port()
    with ExitStack() as stack:
        first = stack.enter_context(connect(port))
        others = [stack.enter_context(connect(port)) for _ in range(3 * OPEN_FILES)]
        waiting = others[-1]
        waiting.sendall(post())
        time.sleep(0.5)
        used, since = processor_seconds(program), time.monotonic()
        time.sleep(2)
        share = (processor_seconds(program) - used) / (time.monotonic() - since)
        print(f"{share:.0%} of a processor")
        assert share < 0.2
        first.sendall(b"".join(b"GET " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n" for path in READ_FILES))
        assert statuses(read_until(first, lambda data: len(statuses(data)) == len(READ_FILES))) == [200] * len(
            READ_FILES
        )
        assert statuses(send_and_read(management, LIVE)) == [200]
        assert not select.select([waiting], [], [], 0)[0]
        for connection in others[:-1]:
            connection.close()
        assert statuses(read_until(waiting, lambda data: data.endswith(b"}"))) == [200]
    assert program.stop() == 0 and "Traceback" not in program.errors
