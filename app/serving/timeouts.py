"""Time: how long a connection may stay in each phase.

Connections set no timers. The server checks every connection periodically, see `PhaseTimer.expired`.
"""

from enum import Enum
from math import inf

from app.serving.limits import ConnectionLimits

PROGRESS_BYTES = 16_384
"""Bytes that a client must take in the time of its phase: by default 1.1 KB/s."""


class Phase(Enum):
    """What a connection is waiting for."""

    NEW = "its first byte"
    HEAD = "the rest of a request head"
    BODY = "the rest of a body"
    WORK = "the application"
    IDLE = "the next request"
    WRITING = "the client to read a response"
    CLOSING = "the client to take the last bytes"


class PhaseTimer:
    """Measures how long a connection has been in its phase."""

    __slots__ = ("_limits", "_seen", "_since")

    def __init__(self, limits: ConnectionLimits) -> None:
        """Initialize the timer.

        Args:
            limits: The seconds per phase.
        """
        self._limits = limits
        self._seen: tuple[Phase, int, int] | None = None
        self._since = 0.0

    def expired(self, phase: Phase, requests: int, unread: int, now: float, interval: float) -> bool:
        """Whether the connection has been in its phase for too long.

        Args:
            phase: The present phase.
            requests: Number of requests so far; a new request restarts the timer.
            unread: Bytes that the client has not taken; each `PROGRESS_BYTES` that it takes restart the timer.
            now: Time of the event loop, in seconds.
            interval: Seconds between two checks. The phase began, and ends, up to that much before it is noticed.
        """
        seen = phase, requests, -(-unread // PROGRESS_BYTES)
        if seen != self._seen:
            self._seen, self._since = seen, now
            return False
        return now - self._since >= self._seconds(phase) - 2 * interval

    def _seconds(self, phase: Phase) -> float:
        if phase is Phase.WORK:
            return inf
        if phase is Phase.NEW or phase is Phase.HEAD:
            return self._limits.head_seconds
        if phase is Phase.BODY or phase is Phase.WRITING:
            return self._limits.body_seconds
        return self._limits.idle_seconds
