"""``python -m benchmarks.explained``: p99 of plain predictions during explained ones at capacity, over idle."""

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
MAX_RATIO = 3.0
_AHEAD = 1.0
"""Seconds by which the explained load starts before and ends after the plain load."""


def main() -> int:
    """Measure and print the ratio; return 1 if it exceeds the bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explained", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of each load, idle and busy (5)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    arguments = parser.parse_args()
    try:
        rounds = [_round(ours(arguments.models.resolve()), cores(), arguments.seconds) for _ in range(arguments.rounds)]
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    ratio = median(figures["busy_p99_ms"] / figures["idle_p99_ms"] for figures in rounds)
    for key in rounds[0]:
        print(f"{median(figures[key] for figures in rounds):10.2f}  {key}")
    print(f"{ratio:10.2f}  p99 busy over idle (maximum {MAX_RATIO:g})")
    return 0 if ratio <= MAX_RATIO else 1


def _round(plain: Contender, pinned: Cores, seconds: float) -> Figures:
    explained = replace(plain, name="explained", body=EXPLAINED)
    capacity = Settings.model_fields["thread_pool_size"].default + 1  # one waits, so no thread is idle
    with tempfile.TemporaryDirectory(prefix="explained-") as folder_name, ThreadPoolExecutor(1) as executor:
        folder, other = Path(folder_name), Path(folder_name, "other")
        other.mkdir()
        with running(plain, pinned.server, folder) as server:
            drive(server, plain, pinned.load, 1.0, folder)
            idle = drive(server, plain, pinned.load, seconds, folder)
            busy = executor.submit(drive, server, explained, pinned.load, seconds + 2 * _AHEAD, other, capacity)
            drive(server, plain, pinned.load, _AHEAD, folder)
            loaded = drive(server, plain, pinned.load, seconds, folder)
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
