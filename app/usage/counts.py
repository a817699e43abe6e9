"""The counts of this process: added to in the event loop, as calls end, and written to the file by a thread."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from app.runtime.predictor import Array, Arrays
from app.telemetry.calls import CallEnd, CallNotes, note_rows
from app.telemetry.trace import Trace
from app.usage.file import Key, Usage, add_usage

INTERVAL = 10.0
"""Seconds between two writes: what a process loses at most when it is killed."""
STOP_SECONDS = 2.0
"""Maximum number of seconds for which the end of the program waits for the last write."""
NO_KEY = "-"
"""Stands for the id of the key in calls without a valid one."""
_CANCELLED = 1
"""gRPC code of a call that the client cancelled."""
_CLIENT_GONE = 499
_HEALTH = ("/health/", "/grpc.health.v1.Health/")
_log = logging.getLogger(__name__)


class UsageCounts:
    """Counts calls, and writes the counts at intervals and at the end, in a thread of its own."""

    def __init__(self, path: Path, interval: float = INTERVAL) -> None:
        """Initialize the counts; `start` starts the thread.

        Args:
            path: The file.
            interval: Seconds between two writes.
        """
        self._path = path
        self._interval = interval
        self._counts: dict[tuple[int, str], list[int]] = {}
        """Calls, rows and refused calls since the start, by day (since the epoch) and key. Only the event loop adds."""
        self._written: dict[tuple[int, str], tuple[int, int, int]] = {}
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def begin(self, notes: CallNotes, trace: Trace | None) -> None:
        """Do nothing; see `app.telemetry.calls.Watcher`."""

    def end(self, notes: CallNotes, end: CallEnd) -> None:
        """Count a call that has ended, except health checks; see `app.telemetry.calls.Watcher`."""
        if end.route.startswith(_HEALTH):
            return
        key = (int(end.started // 86_400), end.key_id or NO_KEY)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts.setdefault(key, [0, 0, 0])
        counts[0] += 1
        counts[1] += notes.rows
        counts[2] += _is_refused(end)

    @staticmethod
    def observe(inputs: Arrays, outputs: Mapping[str, Array], seconds: float, requests: Sequence[object]) -> None:
        """Note the rows of a run for the calls that it answers; see `app.models.loaded.Observer`."""
        note_rows(len(next(iter(inputs.values()))))

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, for at most `STOP_SECONDS`."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._end.wait(self._interval):
            self._write()
        self._write()

    def _write(self) -> None:
        """Write what was counted since the last write. What cannot be written is tried again later."""
        present = {key: (counts[0], counts[1], counts[2]) for key, counts in self._counts.copy().items()}
        new: Usage = {}
        for key, counts in present.items():
            before = self._written.get(key, (0, 0, 0))
            if counts != before:
                new[_key(key)] = (counts[0] - before[0], counts[1] - before[1], counts[2] - before[2])
        if not new:
            return
        try:
            add_usage(self._path, new)
        except (OSError, ValueError) as error:
            if not self._is_failing:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                _log.error("the usage cannot be written to %s, and is kept in memory: %s", self._path, reason)
            self._is_failing = True
            return
        self._is_failing = False
        self._written = present
        latest = max(day for day, _ in present)
        for key in list(present):
            if key[0] < latest - 1:  # no call that began then is still running
                self._counts.pop(key, None)
                del self._written[key]


def _key(key: tuple[int, str]) -> Key:
    return datetime.fromtimestamp(key[0] * 86_400, UTC).strftime("%Y-%m-%d"), key[1]


def _is_refused(end: CallEnd) -> bool:
    if end.transport == "http":
        return end.status >= 400 and end.status != _CLIENT_GONE
    return end.status not in (0, _CANCELLED)
