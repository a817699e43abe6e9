"""A load that is bounded in number and time: requests at a fixed rate, whether or not the answers come."""

import asyncio
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from statistics import median

MOST_CONNECTIONS = 1_000


@dataclass
class Tally:
    """What came back."""

    seconds: float = 0.0
    """How long was asked."""
    accepted: list[float] = field(default_factory=list)
    """Seconds that each answer 200 took."""
    refused: int = 0
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


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole answer.

        Returns:
            Its status.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        await reader.readexactly(int(fields[b"content-length"]))
        if fields.get(b"connection") == b"close":
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _timed(connection: Connection, request: bytes, tally: Tally) -> None:
    started = time.perf_counter()
    try:
        status = await asyncio.wait_for(connection.ask(request), 10)
    except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
        tally.failed.append(repr(error))
        connection.close()
        return
    if status == 200:
        tally.accepted.append(time.perf_counter() - started)
    elif status == 503:
        tally.refused += 1
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
