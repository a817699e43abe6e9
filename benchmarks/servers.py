"""Servers under test: how each is started, pinned to a core, asked once, and ended by its own process id."""

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
LONGEST_START = 60.0
"""Seconds a server may take until its first answer."""
_POLL = 0.002


@dataclass(frozen=True)
class Contender:
    """A server that can be started and asked."""

    name: str
    what: str
    """In a few words, for the table's notes."""
    command: Callable[[int], Sequence[str]]
    """Port to command line."""
    path: str
    body: bytes
    environment: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    """Why it cannot run here; empty where it can."""
    status: int = 200
    """Status of a right answer."""


@dataclass(frozen=True)
class Running:
    """A server that has answered once."""

    pid: int
    port: int
    start_seconds: float
    """From the process's birth to its first answer."""
    answer: bytes
    """Body of the first answer."""


class BenchmarkFailed(Exception):
    """A server did not start, or gave a wrong answer: there is nothing to report."""


def compile_ours() -> None:
    """Write the bytecode of our modules, as the image has it and as libraries have theirs.

    Without it, and where PYTHONDONTWRITEBYTECODE is set, every start would compile all of our source anew.
    """
    for folder in ("app", "benchmarks"):
        compileall.compile_dir(ROOT / folder, quiet=1)


@contextlib.contextmanager
def running(contender: Contender, core: int, folder: Path, keep_log: bool = True) -> Iterator[Running]:
    """Start a server on one core, wait for its first answer, and end it afterwards.

    Args:
        contender: What to start.
        core: The server's, and its children's, only core.
        folder: Working directory; stderr goes to a file in it, ...
        keep_log: ... or to /dev/null.

    Raises:
        BenchmarkFailed: It does not answer rightly within a minute.
    """
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "API_KEY": KEY,
        "OMP_NUM_THREADS": "1",
        "PORT": str(port),
        "GRPC_PORT": "0",
        "HOST": "127.0.0.1",
        **contender.environment,
    }
    log_path = folder / "stderr" if keep_log else Path(os.devnull)
    with log_path.open("wb") as log:
        born = time.perf_counter()
        process = subprocess.Popen(
            contender.command(port),
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            answer = _first_answer(contender, process, port, log_path)
            yield Running(process.pid, port, time.perf_counter() - born, answer)
        finally:
            _end(process)


def _first_answer(contender: Contender, process: subprocess.Popen[bytes], port: int, log: Path) -> bytes:
    until = time.perf_counter() + LONGEST_START
    while time.perf_counter() < until and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = ask(port, contender)
            if status == contender.status:
                return answer
        time.sleep(_POLL)
    told = log.read_text("utf-8", "replace")[-2000:]
    raise BenchmarkFailed(f"{contender.name} gave no answer of {contender.status}; it said:\n{told}")


def ask(port: int, contender: Contender) -> tuple[int, bytes]:
    """One request.

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
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and what it started: its session is its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
