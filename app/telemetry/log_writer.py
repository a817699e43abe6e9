"""The log writer: stands in for ``sys.stderr``, and writes in a thread of its own.

A pipe that nobody reads blocks whoever writes to it, so only this thread writes. Text waits in a bounded queue; what
does not fit, or cannot be written because stderr is closed or full, is dropped and counted.
"""

import atexit
import contextlib
import io
import json
import os
import select
import sys
import threading
import time
from collections.abc import Callable

from app.telemetry.heartbeats import Heartbeat
from app.telemetry.logs import timestamp
from app.telemetry.metrics import Family, Registry

MAX_CHARACTERS = 1024**2
"""Maximum number of characters that wait; some 4,500 requests, a second at the highest rate."""
MAX_TEXTS = 10_000
"""Maximum number of texts that wait, each of one line or more."""
COLLECT_SECONDS = 0.02
"""Seconds between two batches while there are lines, so that no line has to wake up the thread."""
EXIT_SECONDS = 1.0
"""Maximum number of seconds for which the exit waits until everything is written."""
BEAT_SECONDS = 1.0
"""Seconds between two beats of an idle thread."""

DROPPED = Family(
    "log_lines_dropped_total", "Log lines that were dropped because stderr is closed, full or not read.", "counter"
)
_PIECE = 64 * 1024
"""Maximum number of bytes for one system call."""


def keep_standard_descriptors() -> None:
    """Open the standard descriptors that are closed, so that no file or connection gets their numbers.

    A line for stderr would end up there. The new files cannot be written to, so that lost lines are counted.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # gets the lowest free number, which is this one
            os.set_inheritable(number, True)


def install_log_writer() -> None:
    """Let a thread write everything that goes to ``sys.stderr`` from now on; a second call has no effect."""
    if not isinstance(sys.stderr, LogWriter):
        sys.stderr = writer = LogWriter()
        writer.start()


def count_dropped_lines(metrics: Registry) -> None:
    """Count the dropped lines, and beat, in a registry, if there is a log writer.

    Args:
        metrics: Registry of the process's metrics.
    """
    if isinstance(sys.stderr, LogWriter):
        sys.stderr.count_in(metrics)


def finish_log() -> None:
    """Write what is waiting, for at most `EXIT_SECONDS`, if there is a log writer."""
    if isinstance(sys.stderr, LogWriter):
        sys.stderr.finish()


class LogWriter(io.TextIOBase):
    """A text stream whose `write` never waits: a thread writes the text to a descriptor, in the same order.

    The first line after a loss says how many lines were lost.
    """

    def __init__(self, descriptor: int = 2, max_characters: int = MAX_CHARACTERS, max_texts: int = MAX_TEXTS) -> None:
        """Initialize the log writer; `start` starts its thread.

        Args:
            descriptor: Where to write to.
            max_characters: Maximum number of characters that wait.
            max_texts: Maximum number of texts that wait.
        """
        self._descriptor = descriptor
        self._max_characters, self._max_texts = max_characters, max_texts
        self._dropped = 0
        self._count: Callable[[float], None] = lambda lines: None
        self._beat: Callable[[], None] = lambda: None
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.RLock()  # never held during a system call; a finalizer may write within a write
        self._written = threading.Condition(self._lock)
        self._texts: list[str] = []
        self._characters = 0  # in `_texts`
        self._in_flight = 0  # characters that the thread is writing
        self._overflow = 0  # lines that did not fit since the last batch
        self._lost = 0  # lines that could not be written since the last success
        self._mid_line = False
        self._hurry = False
        self._wake = threading.Lock()
        self._wake.acquire()
        self._asleep = True
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        """Start the thread. The exit of the program waits for what is not written yet, at most `EXIT_SECONDS`."""
        self._thread.start()
        atexit.register(self.finish)
        if sys.platform != "win32":
            os.register_at_fork(after_in_child=self._restart)

    def _restart(self) -> None:
        self._reset()
        self._thread.start()

    def count_in(self, metrics: Registry) -> None:
        """Count dropped lines, and beat, in a registry.

        Args:
            metrics: Registry of the process's metrics.
        """
        counter, heartbeat = metrics.counter(DROPPED), Heartbeat(metrics, "log")
        with self._lock:
            counter.inc(self._dropped)
            self._count, self._beat = counter.inc, heartbeat.beat
        heartbeat.beat()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding; other characters are escaped."""
        return "utf-8"

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Queue a text, or drop it if the queue is full.

        Args:
            text: One line or more.

        Returns:
            The length of the text.
        """
        length = len(text)
        with self._lock:
            waiting = self._characters + self._in_flight
            if len(self._texts) >= self._max_texts or (waiting and waiting + length > self._max_characters):
                self._drop(text.count("\n"))
                return length
            self._texts.append(text)
            self._characters += length
            if self._asleep:
                self._asleep = False
                with contextlib.suppress(RuntimeError):  # a finalizer wrote in between
                    self._wake.release()
        return length

    def flush(self) -> None:
        """Do nothing: handlers flush after each line."""

    def finish(self, seconds: float = EXIT_SECONDS) -> None:
        """Wait until everything is written.

        Args:
            seconds: Maximum number of seconds.
        """
        with self._lock:
            self._hurry = True
            self._written.wait_for(lambda: not self._texts and not self._in_flight, seconds)

    def _drop(self, lines: int) -> None:
        self._overflow += lines
        self._tally(lines)

    def _tally(self, lines: int) -> None:
        self._dropped += lines
        self._count(lines)

    def _run(self) -> None:
        while True:
            if self._wake.acquire(timeout=BEAT_SECONDS):
                while self._write_batch():
                    if not self._hurry:
                        time.sleep(COLLECT_SECONDS)
            self._beat()

    def _write_batch(self) -> bool:
        """Write what is waiting; return False if nothing is."""
        with self._lock:
            self._in_flight = 0
            texts, self._texts = self._texts, []
            overflow, self._overflow = self._overflow, 0
            if not texts and not overflow:
                self._asleep = True
                self._written.notify_all()
                return False
            self._in_flight, self._characters = self._characters, 0
        if self._lost and self._put(_notice(self._lost)) == 0:
            self._lost = 0
        lost = self._put("".join(texts))
        if lost:
            self._lost += lost
            with self._lock:
                self._tally(lost)
        if overflow and (lost or self._put(_notice(overflow))):
            self._lost += overflow
        return True

    def _put(self, text: str) -> int:
        """Write a text, and return how many of its lines could not be written."""
        rest = memoryview(("\n" * self._mid_line + text).encode("utf-8", "backslashreplace"))
        whole = len(rest)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest[:_PIECE]) :]
            except BlockingIOError:  # someone else set the descriptor to non-blocking
                _wait_for_room(self._descriptor)
                continue
            except OSError:
                if len(rest) < whole:
                    self._mid_line = rest.obj[whole - len(rest) - 1] != ord("\n")  # type: ignore[index]
                return bytes(rest).count(b"\n")
            self._mid_line = False
            self._beat()
        return 0


def _wait_for_room(descriptor: int) -> None:
    select.select([], [descriptor], [], 1.0)


def _notice(lines: int) -> str:
    line = {
        "time": timestamp(time.time()),
        "level": "warning",
        "logger": __name__,
        "message": f"{lines} log lines were lost: stderr was closed, full or not read",
    }
    return json.dumps(line) + "\n"
