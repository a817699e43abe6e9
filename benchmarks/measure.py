"""Measurements of a server: start, memory and load; for this service also batches and numbers of keys."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.domains.beer.schema import MAX_BEERS
from benchmarks.contenders import BATCH
from benchmarks.processes import memory_mb
from benchmarks.servers import Contender, Running, running
from benchmarks.wrk import drive

BATCH_CONNECTIONS = 4
Figures = dict[str, float]
"""Name to value, such as ``requests_a_second`` or ``start_seconds``."""


@dataclass(frozen=True)
class Cores:
    """The cores of server and load."""

    server: int
    load: int


@dataclass(frozen=True)
class Plan:
    """Number and duration of the measurements, seconds."""

    rounds: int
    seconds: float
    warm_up: float


def measure(contenders: Sequence[Contender], cores: Cores, plan: Plan) -> dict[str, list[Figures]]:
    """Measure every server in turn, with a new process in each round.

    Args:
        contenders: The servers. The first one is this service, which is also measured with batches.
        cores: The cores of server and load.
        plan: Number and duration of the measurements.

    Returns:
        By server name: its figures, one dictionary per round.

    Raises:
        BenchmarkFailed: If a server does not start or a response is not 200.
    """
    figures_by_server: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(plan.rounds):
        for index, contender in enumerate(contenders):
            with _started(contender, cores) as (server, folder):
                figures = {"start_seconds": server.start_seconds, "memory_mb": memory_mb(server.pid)}
                figures |= _loaded(server, contender, cores, plan, folder)
                if index == 0:
                    figures |= _batched(server, contender, cores, plan, folder)
            figures_by_server[contender.name].append(figures)
    return dict(figures_by_server)


def measure_starts(contender: Contender, cores: Cores, rounds: int) -> list[Figures]:
    """Measure only start time and memory."""
    starts = []
    for _ in range(rounds):
        with _started(contender, cores) as (server, _):
            starts.append({"start_seconds": server.start_seconds, "memory_mb": memory_mb(server.pid)})
    return starts


def measure_keys(variants: Iterable[tuple[int, Contender]], cores: Cores, plan: Plan) -> dict[int, list[Figures]]:
    """Send the same requests to servers with different numbers of keys.

    Args:
        variants: Numbers of keys and their servers.
        cores: The cores of server and load.
        plan: Number and duration of the measurements.

    Returns:
        By number of keys: figures, one dictionary per round.
    """
    figures_by_keys: dict[int, list[Figures]] = defaultdict(list)
    for _ in range(plan.rounds):
        for count, contender in variants:
            with _started(contender, cores) as (server, folder):
                figures_by_keys[count].append(_loaded(server, contender, cores, plan, folder))
    return dict(figures_by_keys)


@contextmanager
def _started(contender: Contender, cores: Cores) -> Iterator[tuple[Running, Path]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with running(contender, cores.server, Path(folder)) as server:
            yield server, Path(folder)


def _loaded(server: Running, contender: Contender, cores: Cores, plan: Plan, folder: Path) -> Figures:
    if plan.warm_up:
        drive(server, contender, cores.load, plan.warm_up, folder)
    return dict(vars(drive(server, contender, cores.load, plan.seconds, folder)))


def _batched(server: Running, contender: Contender, cores: Cores, plan: Plan, folder: Path) -> Figures:
    batch = replace(contender, name=f"{contender.name}, batches", path=f"{contender.path}/batch", body=BATCH)
    load = drive(server, batch, cores.load, plan.seconds, folder, BATCH_CONNECTIONS)
    return {
        "rows_a_second": load.requests_a_second * MAX_BEERS,
        "cpu_us_a_row": load.cpu_us / MAX_BEERS,
    }
