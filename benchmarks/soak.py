"""``python -m benchmarks.soak``: memory of a worker before and after many requests; fails where it grew too much.

A million requests by default, with refused ones between them; ``--requests 50000`` is the short form.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.processes import memory_mb
from benchmarks.servers import ROOT, BenchmarkFailed, Running, ask, running
from benchmarks.wrk import drive

REQUESTS = 1_000_000
WARM_UP = 20_000
"""Requests after which the first measurement is taken: caches and pools are filled by then."""
MOST_GROWTH_MB = 5.0
LONGEST_SECONDS = 900.0
SLICE_SECONDS = 5
ODD_REQUESTS = 200
"""Requests between two slices that are refused: no JSON, no beer, no such path."""


def main() -> int:
    """Soak and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="requests to send (1,000,000)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    arguments = parser.parse_args()
    try:
        return _soak(arguments.requests, arguments.models.resolve())
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1


def _soak(requests: int, models: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        folder = Path(place)
        with running(ours(models), cores().server, folder, keep_log=False) as server:
            started = memory_mb(server.pid)
            _send(server, models, folder, WARM_UP)
            before = memory_mb(server.pid)
            sent = _send(server, models, folder, requests)
            after = memory_mb(server.pid)
    growth = after - before
    print(
        f"RSS {started:.1f} MB after the start, {before:.1f} MB after {WARM_UP:,} requests, {after:.1f} MB after "
        f"{sent:,} more: grew by {growth:.1f} MB (at most {MOST_GROWTH_MB:g})"
    )
    if sent < requests:
        print(f"Only {sent:,} requests in {LONGEST_SECONDS:g} s", file=sys.stderr)
    return 0 if growth <= MOST_GROWTH_MB and sent >= requests else 1


def _send(server: Running, models: Path, folder: Path, requests: int) -> int:
    """Send at least so many requests, in slices of some seconds, and stop when it takes too long."""
    sent, until = 0, time.monotonic() + LONGEST_SECONDS
    good = ours(models)
    odd = [replace(good, body=b"{"), replace(good, body=b'{"abv": "x"}'), replace(good, path="/none")]
    while sent < requests and time.monotonic() < until:
        sent += drive(server, good, cores().load, SLICE_SECONDS, folder).requests
        for number in range(ODD_REQUESTS):
            status, _ = ask(server.port, odd[number % len(odd)])
            if status not in (404, 422):
                raise BenchmarkFailed(f"a wrong request was answered {status}")
    return sent


if __name__ == "__main__":
    sys.exit(main())
