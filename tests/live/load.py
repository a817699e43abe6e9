"""A load that is bounded in number and time: requests at a fixed rate, whether or not the answers come."""

import asyncio
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from statistics import median
from typing import cast

MOST_CONNECTIONS = 1_000


@dataclass
class Tally:
    """What came back."""

    seconds: float = 0.0
    """How long was asked."""
    accepted: list[float] = field(default_factory=list)
    """Seconds that each answer 200 took."""
    rejected: int = 0
    """Answers 503."""
    failed: list[str] = field(default_factory=list)
    """Anything else."""

    @property
    def goodput(self) -> float:
        """Answers 200 a second."""
        return len(self.accepted) / self.seconds

    def accepted_within(self, share: float) -> float:
        """Seconds within which this share of the answers 200 came."""
        return sorted(self.accepted)[min(len(self.accepted) - 1, int(len(self.accepted) * share))]


class _Answers(asyncio.Protocol):
    """Reads one answer at a time; lean, as the load must not be what is slow."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._due: asyncio.Future[tuple[int, bool]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bool]]":
        """Send; the future has the status, and whether the connection is to be closed."""
        assert self.transport
        self._due = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        if self.transport.is_closing():
            self.connection_lost(None)
        return self._due

    def data_received(self, data: bytes) -> None:
        """Look whether the answer is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or self._due is None or self._due.done():
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        if len(body) >= length:
            self._due.set_result((int(head[9:12]), b"\r\nconnection: close" in head))
            self._received = b""

    def connection_lost(self, error: Exception | None) -> None:
        """Say so to who waits."""
        if self._due is not None and not self._due.done():
            self._due.set_exception(ConnectionResetError("closed without an answer"))


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answers: _Answers | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole answer, on a new connection where the server has closed the old one.

        Returns:
            Its status.
        """
        if self._answers is None or self._answers.transport is None or self._answers.transport.is_closing():
            loop = asyncio.get_running_loop()
            _, self._answers = await loop.create_connection(_Answers, "127.0.0.1", self._port)
        status, closing = await self._answers.ask(request)
        if closing:
            self.close()
        return status

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._answers is not None and self._answers.transport is not None:
            self._answers.transport.close()
        self._answers = None


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
    """Ask from so many connections, each again once it has its answer."""
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
    """Ask so many times a second; where all connections are busy, the client is the one that fails."""
    tally, started, due = Tally(), time.perf_counter(), 0
    idle: list[Connection] = []
    connections: list[Connection] = []
    asking: set[asyncio.Task[None]] = set()

    def done(task: asyncio.Task[None], connection: Connection) -> None:
        asking.discard(task)
        idle.append(connection)

    while (passed := time.perf_counter() - started) < seconds:
        for _ in range(int(passed * rate) - due):
            due += 1
            if not idle and len(connections) < MOST_CONNECTIONS:
                idle.append(Connection(port))
                connections.append(idle[-1])
            if not idle:
                tally.failed.append("no connection is free")
                continue
            connection = idle.pop()
            task = asyncio.create_task(_timed(connection, request, tally))
            task.add_done_callback(lambda task, connection=connection: done(task, connection))  # type: ignore[misc]
            asking.add(task)
        await asyncio.sleep(0.002)
    tally.seconds = time.perf_counter() - started
    if asking:
        await asyncio.wait(asking)
    for connection in connections:
        connection.close()
    return tally


async def median_delay(port: int, path: bytes, work: Awaitable[Tally], pause: float = 0.1) -> tuple[Tally, float]:
    """Ask for a path all the time while something else goes on.

    Returns:
        What that something came to, and the median of the seconds that an answer 200 took.
    """
    going = asyncio.ensure_future(work)
    delays: list[float] = []
    connection = Connection(port)
    while not going.done():
        started = time.perf_counter()
        status = await asyncio.wait_for(connection.ask(b"GET " + path + b" HTTP/1.1\r\nHost: beer\r\n\r\n"), 10)
        assert status == 200, f"{path!r} was refused"
        delays.append(time.perf_counter() - started)
        await asyncio.sleep(pause)
    connection.close()
    return await going, median(delays)


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as status:
        fields = status.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """A process's resident memory, MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
