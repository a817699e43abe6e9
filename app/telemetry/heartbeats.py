"""Heartbeats: each part that works in the background notes regularly that it goes on.

A beat is a moment of the monotonic clock, which all processes of a machine share. It is in the shared counters, so that
a supervisor sees the beats of its workers, even of one that hangs or is suspended.
"""

import asyncio
import time
from typing import Literal

from app.telemetry.metrics import Family, Registry

INTERVAL = 0.5
"""Seconds between two beats of an event loop."""
STALL_SECONDS = 5.0
"""Seconds without a beat after which an event loop counts as stalled.

The longest step of an event loop takes some 20 ms (long calls run in the thread pool), and the steps of a turn with
thousands of connections together less than 1 s on a quarter of a core.
"""

AGE = Family(
    "heartbeat_age_seconds",
    "Seconds since the last beat of a part that works in the background, in the process where it is oldest.",
    "gauge",
    ("part",),
    merge="oldest",
)

Part = Literal["event_loop", "models", "key_file", "log", "records"]
"""The event loop, the model reloader, the key-file watcher, the log writer, and the writer of records."""


class Heartbeat:
    """The beats of one part of this process."""

    def __init__(self, metrics: Registry, part: Part) -> None:
        """Initialize the heartbeat; before the first beat it has no age.

        Args:
            metrics: Registry of the process's metrics.
            part: What beats.
        """
        self._gauge = metrics.gauge(AGE, part)
        self._last = 0.0

    def beat(self) -> None:
        """Note that the part goes on."""
        self._last = time.monotonic()
        self._gauge.set(self._last)

    def end(self) -> None:
        """Note that the part has ended, so that no further beat is expected."""
        self._last = 0.0
        self._gauge.set(0.0)

    @property
    def age(self) -> float:
        """Seconds since the last beat; 0 if none is expected."""
        last = self._last
        return time.monotonic() - last if last else 0.0


class EventLoopHeartbeat:
    """A component that beats in the event loop, and so only while the loop turns."""

    def __init__(self, metrics: Registry) -> None:
        """Initialize the component.

        Args:
            metrics: Registry of the process's metrics.
        """
        self._heartbeat = Heartbeat(metrics, "event_loop")
        self._next: asyncio.TimerHandle | None = None

    @property
    def is_live(self) -> bool:
        """Whether the event loop turns; also before it starts, and after it has ended in good order."""
        return self._heartbeat.age < STALL_SECONDS

    def start(self) -> None:
        """Beat until `stop` is called. Called in the event loop."""
        self._heartbeat.beat()
        self._next = asyncio.get_running_loop().call_later(INTERVAL, self.start)

    def stop(self) -> None:
        """End the beats."""
        if self._next is not None:
            self._next.cancel()
        self._heartbeat.end()
