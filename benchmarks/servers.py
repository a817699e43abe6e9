"""Servers under test: start, pin to a core, wait for the first response, end by process id."""

import compileall
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
KEY = "benchmark-key-0123456789abcdef"
MAX_START_SECONDS = 60.0
"""Maximum seconds until a server's first response."""
_POLL = 0.002


@dataclass(frozen=True)
class Contender:
    """A server that can be started and measured."""

    name: str
    description: str
    """A short description for the notes of the table."""
    command: Callable[[int], Sequence[str]]
    """The command line, given the port."""
    path: str
    body: bytes
    environment: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    """Why the server cannot run here; empty if it can."""
    status: int = 200
    """HTTP status of a correct response."""


@dataclass(frozen=True)
class Running:
    """A server that has sent its first response."""

    pid: int
    port: int
    start_seconds: float
    """Seconds from the start of the process to its first response."""
    answer: bytes
    """Body of the first response."""


class BenchmarkFailed(Exception):
    """A server did not start or sent a wrong response, so there is nothing to report."""


def compile_ours() -> None:
    """Write the bytecode of this repository's modules, as the container image does.

    Without it, every start would compile all modules if PYTHONDONTWRITEBYTECODE is set.
    """
    for folder in ("app", "benchmarks"):
        compileall.compile_dir(ROOT / folder, quiet=1)


@contextlib.contextmanager
def running(contender: Contender, core: int, folder: Path, keep_log: bool = True) -> Iterator[Running]:
    """Run a server on one core, from its first response until the end of the block.

    Args:
        contender: The server.
        core: The core of the server and its children.
        folder: Working directory of the server.
        keep_log: Whether the server's output goes to a file in the folder; otherwise it is discarded.

    Raises:
        BenchmarkFailed: If there is no correct response within a minute.
    """
    port = free_port()
    settings = {"PORT": str(port), "GRPC_PORT": "0", "HOST": "127.0.0.1", **contender.environment}
    log = folder / "stderr" if keep_log else Path(os.devnull)
    started = time.perf_counter()
    with on_core(contender.command(port), core, folder, log, settings) as process:
        answer = _first_answer(contender, process, port, log)
        yield Running(process.pid, port, time.perf_counter() - started, answer)


@contextlib.contextmanager
def on_core(
    command: Sequence[str], core: int, folder: Path, log: Path, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on one core until the end of the block.

    Args:
        command: The command line.
        core: The core of the program and its children.
        folder: Working directory.
        log: File for the output.
        settings: Environment variables in addition to those of every server.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "API_KEY": KEY, "OMP_NUM_THREADS": "1", **settings}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            yield process
        finally:
            _end(process)


def _first_answer(contender: Contender, process: subprocess.Popen[bytes], port: int, log: Path) -> bytes:
    deadline = time.perf_counter() + MAX_START_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = ask(port, contender)
            if status == contender.status:
                return answer
        time.sleep(_POLL)
    output = log.read_text("utf-8", "replace")[-2000:]
    raise BenchmarkFailed(f"{contender.name} sent no response with status {contender.status}; its output:\n{output}")


def ask(port: int, contender: Contender) -> tuple[int, bytes]:
    """Send one request.

    Returns:
        Status and body.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            "POST", contender.path, contender.body, {"Content-Type": "application/json", "X-API-Key": KEY}
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def free_port() -> int:
    """Find a free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and its children, which share a session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
