"""The counts of this process: added to in the event loop, as calls end, and written to the file by a thread."""

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

from app.telemetry.calls import CallNotes
from app.usage.file import Key, Usage, add_usage

INTERVAL = 10.0
"""Seconds between two writes: what a process loses at most when it is killed."""
STOP_SECONDS = 2.0
"""Maximum number of seconds for which the end of the program waits for the last write."""
NO_KEY = "-"
"""Placeholder for the id of the key in calls without a valid one."""
_DAY = 86_400.0
"""Seconds."""
_ANSWERED = (200, 0)
"""The most frequent HTTP status, which no gRPC code has, and the gRPC code of success."""
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
        self._counts: dict[int, dict[str, list[int]]] = {}
        """Calls, rows and refused calls since the start, by day (since the epoch) and key. Only the event loop adds."""
        self._day: dict[str, list[int]] = {}
        """Those of the day from which the latest call was."""
        self._day_starts = self._day_ends = 0.0
        self._written: dict[tuple[int, str], tuple[int, int, int]] = {}
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def count(self, call: CallNotes) -> None:
        """Count a call that has ended, except health checks; see `app.telemetry.calls.End`."""
        if call.route.startswith(_HEALTH):
            return
        if not self._day_starts <= call.started < self._day_ends:
            self._turn_to(int(call.started // _DAY))
        counts = self._day.get(call.key_id)
        if counts is None:
            counts = self._day[call.key_id] = [0, 0, 0]
        counts[0] += 1
        counts[1] += call.rows
        if call.status not in _ANSWERED and _is_refused(call):
            counts[2] += 1

    def _turn_to(self, day: int) -> None:
        self._day = self._counts.setdefault(day, {})
        self._day_starts, self._day_ends = day * _DAY, (day + 1) * _DAY

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
        present = {
            (day, key_id): (counts[0], counts[1], counts[2])
            for day, keys in self._counts.copy().items()
            for key_id, counts in keys.copy().items()
        }
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
                self._counts.pop(key[0], None)
                del self._written[key]


def _key(key: tuple[int, str]) -> Key:
    return datetime.fromtimestamp(key[0] * _DAY, UTC).strftime("%Y-%m-%d"), key[1] or NO_KEY


def _is_refused(call: CallNotes) -> bool:
    if call.transport == "http":
        return call.status >= 400 and call.status != _CLIENT_GONE
    return call.status not in (0, _CANCELLED)
