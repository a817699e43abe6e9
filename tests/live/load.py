"""Load generators with a bounded duration: a closed loop of clients, and an open loop with a fixed request rate."""

import asyncio
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from statistics import median
from typing import cast

MAX_CONNECTIONS = 1_000


@dataclass
class Tally:
    """The responses to a load."""

    seconds: float = 0.0
    """Duration of the load in seconds."""
    accepted: list[float] = field(default_factory=list)
    """Latency in seconds of each response with status 200."""
    rejected: int = 0
    """Number of responses with status 503."""
    failed: list[str] = field(default_factory=list)
    """Descriptions of all other results: statuses and exceptions."""

    @property
    def goodput(self) -> float:
        """Responses with status 200 per second."""
        return len(self.accepted) / self.seconds

    def accepted_within(self, share: float) -> float:
        """Return the latency in seconds that this share of the responses with status 200 did not exceed."""
        return sorted(self.accepted)[min(len(self.accepted) - 1, int(len(self.accepted) * share))]


class _ResponseReader(asyncio.Protocol):
    """Reads one response at a time. It is minimal, because the client must not be the bottleneck."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._pending: asyncio.Future[tuple[int, bool]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transport is no subclass

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bool]]":
        """Send a request. The future gets the status and whether the server closes the connection."""
        assert self.transport
        self._pending = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        if self.transport.is_closing():
            self.connection_lost(None)
        return self._pending

    def data_received(self, data: bytes) -> None:
        """Set the result once the response is complete."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or self._pending is None or self._pending.done():
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        if len(body) >= length:
            self._pending.set_result((int(head[9:12]), b"\r\nconnection: close" in head))
            self._received = b""

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the pending future."""
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(ConnectionResetError("closed without a response"))


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: _ResponseReader | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole response. If the server has closed the connection, open a new one.

        Returns:
            The status of the response.
        """
        if self._reader is None or self._reader.transport is None or self._reader.transport.is_closing():
            loop = asyncio.get_running_loop()
            _, self._reader = await loop.create_connection(_ResponseReader, "127.0.0.1", self._port)
        status, closing = await self._reader.ask(request)
        if closing:
            self.close()
        return status

    def close(self) -> None:
        """Close the connection. The next request opens a new one."""
        if self._reader is not None and self._reader.transport is not None:
            self._reader.transport.close()
        self._reader = None


async def _timed(connection: Connection, request: bytes, tally: Tally) -> None:
    started = time.perf_counter()
    try:
        status = await asyncio.wait_for(connection.ask(request), 10)
    except (OSError, TimeoutError) as error:
        tally.failed.append(repr(error))
        connection.close()
        return
    if status == 200:
        tally.accepted.append(time.perf_counter() - started)
    elif status == 503:
        tally.rejected += 1
    else:
        tally.failed.append(str(status))


async def closed_loop(port: int, request: bytes, clients: int, seconds: float) -> Tally:
    """Send requests from a number of clients. Each waits for its response before it sends the next request."""
    tally, started = Tally(), time.perf_counter()

    async def client() -> None:
        connection = Connection(port)
        while time.perf_counter() - started < seconds:
            await _timed(connection, request, tally)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.seconds = time.perf_counter() - started
    return tally


async def open_loop(port: int, request: bytes, rate: float, seconds: float) -> Tally:
    """Send requests at a fixed rate per second. If all connections are busy, the request counts as failed."""
    tally, started, sent = Tally(), time.perf_counter(), 0
    idle: list[Connection] = []
    connections: list[Connection] = []
    running: set[asyncio.Task[None]] = set()

    def done(task: asyncio.Task[None], connection: Connection) -> None:
        running.discard(task)
        idle.append(connection)

    while (elapsed := time.perf_counter() - started) < seconds:
        for _ in range(int(elapsed * rate) - sent):
            sent += 1
            if not idle and len(connections) < MAX_CONNECTIONS:
                idle.append(Connection(port))
                connections.append(idle[-1])
            if not idle:
                tally.failed.append("no connection is free")
                continue
            connection = idle.pop()
            task = asyncio.create_task(_timed(connection, request, tally))
            task.add_done_callback(lambda task, connection=connection: done(task, connection))  # type: ignore[misc]
            running.add(task)
        await asyncio.sleep(0.002)
    tally.seconds = time.perf_counter() - started
    if running:
        await asyncio.wait(running)
    for connection in connections:
        connection.close()
    return tally


async def median_delay(port: int, path: bytes, work: Awaitable[Tally], pause: float = 0.1) -> tuple[Tally, float]:
    """Request a path repeatedly while a load runs.

    Returns:
        The result of the load, and the median latency of the requested path in seconds.
    """
    load = asyncio.ensure_future(work)
    delays: list[float] = []
    connection = Connection(port)
    while not load.done():
        started = time.perf_counter()
        status = await asyncio.wait_for(connection.ask(b"GET " + path + b" HTTP/1.1\r\nHost: beer\r\n\r\n"), 10)
        assert status == 200, f"{path!r} was rejected"
        delays.append(time.perf_counter() - started)
        await asyncio.sleep(pause)
    connection.close()
    return await load, median(delays)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as status:
        fields = status.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, kind: str = "VmRSS") -> float:
    """Return the resident memory of a process in MiB; with ``RssAnon``, without pages of files."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith(kind))
    return int(line.split()[1]) / 1024
