"""The program as a separate process in a separate working folder."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from tests.committed import committed_models
from tests.known import REPOSITORY, SETTINGS
from tests.live.wire import Answer, exchange

PATIENCE = 30.0
"""Seconds that a test waits at most, long enough for a busy machine."""
SERVE = (sys.executable, "-m", "app")
_RPC = re.compile(r"grpc://([^ \"]+)")
_LISTENING = re.compile(r"running on http://[^:\"]+:(\d+)")


def environment(**settings: str) -> dict[str, str]:
    """Return the environment of this process, with the program's settings replaced by the given ones."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in SETTINGS}
    ours = {"PYTHONPATH": str(REPOSITORY), "MODEL_URI": str(committed_models()), "GRPC_PORT": "0"}
    return {**kept, **ours, **settings}


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


class Program:
    """A started program. Threads read its output all the time, so that it never blocks on a full pipe."""

    def __init__(
        self, folder: Path, *, command: Sequence[str] = SERVE, first: Callable[[], None] | None = None, **settings: str
    ) -> None:
        """Start the program.

        Args:
            folder: The working folder.
            command: The command line.
            first: Called in the new process before it executes the command.
            settings: Environment variables in addition to MODEL_URI; no API key by default.
        """
        self._started = time.monotonic()
        self._cpu_before = _cpu_of_children()
        self.seconds = self.cpu_seconds = float("nan")
        """Run time and CPU time, set by `exit_code`. The CPU time is wrong if another child process ends meanwhile."""
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=first,
        )
        self._changed = threading.Condition()
        self._text = {"stdout": bytearray(), "stderr": bytearray()}
        assert self.process.stdout and self.process.stderr
        self._streams = (self.process.stdout, self.process.stderr)
        self._readers = [
            threading.Thread(target=self._follow, args=(stream, self._text[name]), daemon=True)
            for stream, name in zip(self._streams, self._text, strict=True)
        ]
        for reader in self._readers:
            reader.start()

    def _follow(self, stream: IO[bytes], text: bytearray) -> None:
        while data := os.read(stream.fileno(), 65536):
            with self._changed:
                text += data
                self._changed.notify_all()

    def _wait_for(self, what: str, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while not self._changed.wait_for(condition, 0.25):
                exit_code = self.process.poll() is not None and not condition()
                assert not exit_code and time.monotonic() < deadline, f"no {what}:\n{self.output}\n{self.errors}"

    @property
    def output(self) -> str:
        """The text on stdout so far."""
        return self._text["stdout"].decode()

    @property
    def errors(self) -> str:
        """The text on stderr so far."""
        return self._text["stderr"].decode()

    def port(self) -> int:
        """Wait for the HTTP port to open and return its number from the log."""
        self._wait_for("open port", lambda: _LISTENING.search(self.errors))
        match = _LISTENING.search(self.errors)
        assert match
        return int(match[1])

    def rpc(self) -> str:
        """Wait for the gRPC port to open and return its host and port from the log."""
        self._wait_for("gRPC", lambda: _LISTENING.search(self.errors))
        match = _RPC.search(self.errors)
        assert match
        return match[1]

    def listening(self, port: int) -> None:
        """Wait until a port is open that the log does not contain."""

        def opened() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self._wait_for(f"open port {port}", opened)

    def lines(self, until: str) -> list[dict[str, Any]]:
        """Wait for a log line that contains a text, and return all complete lines, parsed as JSON."""
        self._wait_for(f"line with {until!r}", lambda: any(until in x for x in self.errors.split("\n")[:-1]))
        return [json.loads(line) for line in self.errors.split("\n")[:-1]]

    def lines_with(self, text: str, count: int) -> None:
        """Wait until a text appears a number of times in the log."""
        self._wait_for(f"{count} lines with {text!r}", lambda: self.errors.count(text) >= count)

    def exit_code(self) -> int:
        """Wait for the program to end and return its exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        self.seconds = time.monotonic() - self._started
        self.cpu_seconds = _cpu_of_children() - self._cpu_before
        return code

    def stop(self) -> int:
        """Send SIGTERM, wait for the program to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def close(self) -> None:
        """Stop the program if it still runs, and close its pipes."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.exit_code()
        for stream in self._streams:
            stream.close()

    def send(self, *pieces: bytes) -> Answer:
        """Send one request as bytes on a new connection; see `wire.exchange`."""
        return exchange(self.port(), *pieces)


Start = Callable[..., Program]
"""Type of the fixture `start`, which starts a program with the given settings and stops it after the test."""


def free_port() -> int:
    """Return a port that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], what: str = "") -> float:
    """Wait for a condition.

    Args:
        condition: Called every 10 ms.
        what: The condition in words, for the failure message.

    Returns:
        Seconds waited.
    """
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE, (
            f"timed out after {PATIENCE} s waiting for: {what or 'the condition'}"
        )
        time.sleep(0.01)
    return time.monotonic() - started


def worker_pids(program: Program) -> set[int]:
    """Return the process ids of a program's workers."""
    tasks = Path(f"/proc/{program.process.pid}/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def started_workers(program: Program) -> int:
    """Return the number of workers that have logged their start."""
    return program.errors.count("Application startup complete")
