"""``python -m benchmarks.soak``: memory of a worker before and after many requests.

Sends a million requests by default, with invalid ones in between, and fails if memory grows by more than the bound;
``--requests 50000`` is the short form.
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
"""Requests before the first measurement, which fill caches and pools."""
MAX_GROWTH_MB = 5.0
MAX_SECONDS = 900.0
SLICE_SECONDS = 5
INVALID_REQUESTS = 200
"""Number of invalid requests between two slices: not JSON, not a beer, unknown path."""


def main() -> int:
    """Send the requests and print the growth of memory."""
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
    with tempfile.TemporaryDirectory(prefix="soak-") as folder_name:
        folder = Path(folder_name)
        with running(ours(models), cores().server, folder, keep_log=False) as server:
            started = memory_mb(server.pid)
            _send(server, models, folder, WARM_UP)
            before = memory_mb(server.pid)
            sent = _send(server, models, folder, requests)
            after = memory_mb(server.pid)
    growth = after - before
    print(
        f"RSS {started:.1f} MB after the start, {before:.1f} MB after {WARM_UP:,} requests, {after:.1f} MB after "
        f"{sent:,} more: grew by {growth:.1f} MB (maximum {MAX_GROWTH_MB:g})"
    )
    if sent < requests:
        print(f"Only {sent:,} requests in {MAX_SECONDS:g} s", file=sys.stderr)
    return 0 if growth <= MAX_GROWTH_MB and sent >= requests else 1


def _send(server: Running, models: Path, folder: Path, requests: int) -> int:
    """Send at least this number of requests in slices of some seconds, within the time limit."""
    sent, until = 0, time.monotonic() + MAX_SECONDS
    valid = ours(models)
    invalid = [replace(valid, body=b"{"), replace(valid, body=b'{"abv": "x"}'), replace(valid, path="/none")]
    while sent < requests and time.monotonic() < until:
        sent += drive(server, valid, cores().load, SLICE_SECONDS, folder).requests
        for index in range(INVALID_REQUESTS):
            status, _ = ask(server.port, invalid[index % len(invalid)])
            if status not in (404, 422):
                raise BenchmarkFailed(f"an invalid request got the status {status}")
    return sent


if __name__ == "__main__":
    sys.exit(main())
