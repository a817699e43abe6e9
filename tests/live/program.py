"""The real program as a process of its own, in a working folder of its own."""

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

from tests.known import REPOSITORY, SETTINGS
from tests.live.wire import Answer, exchange

PATIENCE = 30.0
"""Seconds until a test gives up on a machine that is busy with other things."""
SERVE = (sys.executable, "-m", "app")
_RPC = re.compile(r"grpc://([^ \"]+)")
_LISTENING = re.compile(r"running on http://[^:\"]+:(\d+)")


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without the program's settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in SETTINGS}
    ours = {"PYTHONPATH": str(REPOSITORY), "MODEL_URI": str(REPOSITORY / "models"), "GRPC_PORT": "0"}
    return {**kept, **ours, **settings}


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


class Program:
    """A started program; what it writes is read as it comes, so that it never waits for us."""

    def __init__(
        self, folder: Path, *, command: Sequence[str] = SERVE, first: Callable[[], None] | None = None, **settings: str
    ) -> None:
        """Start it.

        Args:
            folder: Working folder.
            command: What to run.
            first: What the new process does before it becomes the program.
            settings: Environment variables, beside MODEL_URI; no key by default.
        """
        self._started = time.monotonic()
        self._spent = _cpu_of_children()
        self.seconds = self.cpu_seconds = float("nan")
        """How long it ran and how long it computed, once `exit_code` has told so and where no other ended meanwhile."""
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=first,
        )
        self._news = threading.Condition()
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
            with self._news:
                text += data
                self._news.notify_all()

    def _wait_for(self, what: str, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        with self._news:
            while not self._news.wait_for(condition, 0.25):
                exit_code = self.process.poll() is not None and not condition()
                assert not exit_code and time.monotonic() < deadline, f"no {what}:\n{self.output}\n{self.errors}"

    @property
    def output(self) -> str:
        """What stands on stdout so far."""
        return self._text["stdout"].decode()

    @property
    def errors(self) -> str:
        """What stands on stderr so far."""
        return self._text["stderr"].decode()

    def port(self) -> int:
        """The port that the log names, once it is open."""
        self._wait_for("open port", lambda: _LISTENING.search(self.errors))
        found = _LISTENING.search(self.errors)
        assert found
        return int(found[1])

    def rpc(self) -> str:
        """Host and port of gRPC, once it is open."""
        self._wait_for("gRPC", lambda: _LISTENING.search(self.errors))
        found = _RPC.search(self.errors)
        assert found
        return found[1]

    def listening(self, port: int) -> None:
        """Wait for a port that the log does not name."""

        def opened() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self._wait_for(f"open port {port}", opened)

    def lines(self, until: str) -> list[dict[str, Any]]:
        """The log's whole lines, once one of them holds this text, as JSON."""
        self._wait_for(f"line with {until!r}", lambda: any(until in x for x in self.errors.split("\n")[:-1]))
        return [json.loads(line) for line in self.errors.split("\n")[:-1]]

    def lines_with(self, text: str, count: int) -> None:
        """Wait for so many whole lines with this text."""
        self._wait_for(f"{count} lines with {text!r}", lambda: self.errors.count(text) >= count)

    def exit_code(self) -> int:
        """The exit code, once it has ended."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        self.seconds = time.monotonic() - self._started
        self.cpu_seconds = _cpu_of_children() - self._spent
        return code

    def stop(self) -> int:
        """Ask it to stop, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def close(self) -> None:
        """Leave nothing behind, whatever the test came to."""
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
        """One request, byte for byte, on a connection of its own; see `wire.exchange`."""
        return exchange(self.port(), *pieces)


Start = Callable[..., Program]
"""The fixture `start`: starts a program with these settings, and stops it at the end of the test."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], what: str = "") -> float:
    """Wait for a condition.

    Args:
        condition: Called every 10 ms.
        what: The condition in words, for the message of a failure.

    Returns:
        Seconds waited.
    """
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE, f"not {what or 'so'} in {PATIENCE} s"
        time.sleep(0.01)
    return time.monotonic() - started


def worker_pids(program: Program) -> set[int]:
    """The process ids of a program's workers."""
    tasks = Path(f"/proc/{program.process.pid}/task").glob("*/children")
    return {int(pid) for task in tasks for pid in task.read_text().split()}


def started_workers(program: Program) -> int:
    """The number of workers that have logged their start."""
    return program.errors.count("Application startup complete")
