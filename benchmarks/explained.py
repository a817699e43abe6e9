"""``python -m benchmarks.explained``: plain predictions' p99 while explained ones are served at capacity, over idle."""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

from app.domains.beer.schema import EXAMPLE_RECIPE
from app.settings import Settings
from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.measure import Cores, Figures
from benchmarks.servers import ROOT, BenchmarkFailed, Contender, running
from benchmarks.wrk import drive

EXPLAINED = json.dumps({**EXAMPLE_RECIPE, "explain": True}).encode()
MOST_RATIO = 3.0
_AHEAD = 1.0
"""Seconds that the explained ones run before and after the plain ones."""


def main() -> int:
    """Measure and print; 1 where plain predictions suffer more than they may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explained", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of load, idle and busy (5)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    arguments = parser.parse_args()
    try:
        found = [_round(ours(arguments.models.resolve()), cores(), arguments.seconds) for _ in range(arguments.rounds)]
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    ratio = median(one["busy_p99_ms"] / one["idle_p99_ms"] for one in found)
    for key in found[0]:
        print(f"{median(one[key] for one in found):10.2f}  {key}")
    print(f"{ratio:10.2f}  p99 busy over idle (at most {MOST_RATIO:g})")
    return 0 if ratio <= MOST_RATIO else 1


def _round(plain: Contender, where: Cores, seconds: float) -> Figures:
    explained = replace(plain, name="explained", body=EXPLAINED)
    capacity = Settings.model_fields["thread_pool_size"].default + 1  # one always waits: no thread of the pool is idle
    with tempfile.TemporaryDirectory(prefix="explained-") as place, ThreadPoolExecutor(1) as beside:
        folder, other = Path(place), Path(place, "other")
        other.mkdir()
        with running(plain, where.server, folder) as server:
            drive(server, plain, where.load, 1.0, folder)
            idle = drive(server, plain, where.load, seconds, folder)
            busy = beside.submit(drive, server, explained, where.load, seconds + 2 * _AHEAD, other, capacity)
            drive(server, plain, where.load, _AHEAD, folder)
            loaded = drive(server, plain, where.load, seconds, folder)
            slow = busy.result()
    return {
        "idle_p99_ms": idle.p99_ms,
        "busy_p99_ms": loaded.p99_ms,
        "idle_requests_a_second": idle.requests_a_second,
        "busy_requests_a_second": loaded.requests_a_second,
        "explained_a_second": slow.requests_a_second,
        "explained_p99_ms": slow.p99_ms,
    }


if __name__ == "__main__":
    sys.exit(main())
