"""Runs wrk for a limited time and parses its output. A response other than 200 ends the benchmark."""

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
"""Seconds beyond its duration after which wrk is killed."""


@dataclass(frozen=True)
class Load:
    """The result of one run of wrk."""

    requests_a_second: float
    cpu_us: float
    """The server's processor time per request in microseconds; other load affects it less than the request rate."""
    p50_ms: float
    p99_ms: float
    requests: int


def drive(
    server: Running, contender: Contender, core: int, seconds: float, folder: Path, connections: int = CONNECTIONS
) -> Load:
    """Load a server from one core.

    Args:
        server: The running server.
        contender: Its path and body.
        core: The core of wrk.
        seconds: Duration, rounded to whole seconds.
        folder: Directory for the body file.
        connections: Number of concurrent connections.

    Raises:
        BenchmarkFailed: If a response is not 200 or a connection breaks.
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
    cpu = cpu_seconds(server.pid) - before
    if done.returncode:
        raise BenchmarkFailed(f"wrk: {done.stderr.strip() or done.stdout.strip()}")
    result = json.loads(done.stdout.splitlines()[-1])
    if result["not_200"] or result["broken"] or result["timeouts"] or not result["requests"]:
        raise BenchmarkFailed(f"{contender.name}: not every response was 200: {result}")
    count = result["requests"]
    return Load(count / result["seconds"], cpu / count * 1e6, result["p50_ms"], result["p99_ms"], count)


def _wrk() -> str:
    path = shutil.which("wrk")
    if path is None:
        raise BenchmarkFailed("wrk is not installed: apt-get install wrk")
    return path
