"""wrk: runs it for a bounded time and reads what it says; an answer other than 200 ends the benchmark."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import cpu_seconds
from benchmarks.servers import KEY, BenchmarkFailed, Contender, Running

SCRIPT = Path(__file__).with_name("post.lua")
CONNECTIONS = 16
_SLACK = 30.0
"""Seconds beyond its duration after which wrk is given up."""


@dataclass(frozen=True)
class Load:
    """What one run of wrk measured."""

    requests_a_second: float
    cpu_us: float
    """Processor time of the server a request, microseconds: unlike the rate it hardly feels what else runs here."""
    p50_ms: float
    p99_ms: float
    requests: int


def drive(
    server: Running, contender: Contender, core: int, seconds: float, folder: Path, connections: int = CONNECTIONS
) -> Load:
    """Load a server from one core.

    Args:
        server: Where it listens.
        contender: Path and body.
        core: wrk's.
        seconds: How long, whole seconds.
        folder: For the file of the body.
        connections: How many at once.

    Raises:
        BenchmarkFailed: An answer was not 200, or a connection broke.
    """
    body = folder / "body"
    body.write_bytes(contender.body)
    command = [
        _wrk(),
        "--threads",
        "1",
        "--connections",
        str(connections),
        "--duration",
        f"{max(1, round(seconds))}s",
        "--timeout",
        "20s",
        "--script",
        str(SCRIPT),
        f"http://127.0.0.1:{server.port}{contender.path}",
        "--",
        KEY,
        str(body),
    ]
    before = cpu_seconds(server.pid)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=seconds + _SLACK,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    spent = cpu_seconds(server.pid) - before
    if done.returncode:
        raise BenchmarkFailed(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    told = json.loads(done.stdout.splitlines()[-1])
    if told["not_200"] or told["broken"] or told["timeouts"] or not told["requests"]:
        raise BenchmarkFailed(f"{contender.name}: not every answer was 200: {told}")
    count = told["requests"]
    return Load(count / told["seconds"], spent / count * 1e6, told["p50_ms"], told["p99_ms"], count)


def _wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkFailed("wrk is not installed: apt-get install wrk")
    return found
