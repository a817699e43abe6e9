"""What is measured of each server: start, memory, load; and of ours the batch and the number of keys."""

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
"""Name to value: ``requests_a_second``, ``start_seconds``, ..."""


@dataclass(frozen=True)
class Cores:
    """Who runs where."""

    server: int
    load: int


@dataclass(frozen=True)
class Plan:
    """How long to measure."""

    rounds: int
    seconds: float
    warm_up: float


def measure(contenders: Sequence[Contender], cores: Cores, plan: Plan) -> dict[str, list[Figures]]:
    """Every contender in turn, a fresh process each, as many rounds as planned.

    Args:
        contenders: The first is ours and gets batches too.
        cores: Who runs where.
        plan: How long.

    Returns:
        Contender's name to its figures, a dictionary a round.

    Raises:
        BenchmarkFailed: A server did not start or an answer was not 200.
    """
    found: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(plan.rounds):
        for number, contender in enumerate(contenders):
            with _started(contender, cores) as (server, folder):
                figures = {"start_seconds": server.start_seconds, "memory_mb": memory_mb(server.pid)}
                figures |= _loaded(server, contender, cores, plan, folder)
                if number == 0:
                    figures |= _batched(server, contender, cores, plan, folder)
            found[contender.name].append(figures)
    return dict(found)


def measure_starts(contender: Contender, cores: Cores, rounds: int) -> list[Figures]:
    """Start and memory only."""
    found = []
    for _ in range(rounds):
        with _started(contender, cores) as (server, _):
            found.append({"start_seconds": server.start_seconds, "memory_mb": memory_mb(server.pid)})
    return found


def measure_keys(variants: Iterable[tuple[int, Contender]], cores: Cores, plan: Plan) -> dict[int, list[Figures]]:
    """The same requests to servers that know more and more keys.

    Args:
        variants: Number of keys, and the server that knows as many.
        cores: Who runs where.
        plan: How long.

    Returns:
        Number of keys to figures, a dictionary a round.
    """
    found: dict[int, list[Figures]] = defaultdict(list)
    for _ in range(plan.rounds):
        for count, contender in variants:
            with _started(contender, cores) as (server, folder):
                found[count].append(_loaded(server, contender, cores, plan, folder))
    return dict(found)


@contextmanager
def _started(contender: Contender, cores: Cores) -> Iterator[tuple[Running, Path]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        with running(contender, cores.server, Path(place)) as server:
            yield server, Path(place)


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
