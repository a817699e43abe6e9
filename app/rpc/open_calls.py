"""The calls of this process until their response is sent: limits on their number and on the time to take it."""

import asyncio
import logging
from collections import Counter
from typing import Any

from app.errors import Overloaded
from app.rpc.connections import address_of, hang_up
from app.telemetry.metrics import Family, Registry

HANGUPS = Family(
    "grpc_unread_connections_closed_total", "gRPC connections closed because a response was not read.", "counter"
)

MAX_CALLS = 4096
"""Maximum number of calls; each takes about 13 KB."""
MAX_KEYLESS = 1024
"""Maximum number of calls without a key."""
MAX_KEYLESS_PER_ADDRESS = 512
"""Maximum number of calls without a key from one address."""
MAX_KEYLESS_PER_CONNECTION = 64
"""Maximum number of calls without a key on one connection."""
_PAUSE = 1.0
"""Minimum seconds between two searches for connections to close."""
_log = logging.getLogger(__name__)


class OpenCalls:
    """Counts calls from their metadata until their response is sent, and ends connections that do not take it."""

    def __init__(self, seconds: float, metrics: Registry) -> None:
        """Create the counter.

        Args:
            seconds: Maximum time in which a client takes a response.
            metrics: Registry of the metrics.
        """
        self._seconds = seconds
        self._hangups = metrics.counter(HANGUPS)
        self._open = 0
        self._keyless: Counter[str] = Counter()
        """Calls without a key by connection and by address; the empty name counts them all."""
        self._responses: dict[asyncio.Task[Any], tuple[float, str]] = {}
        """Since when a response is not taken, and the connection of its call; the oldest first."""
        self._timer_is_running = False

    def enter(self, task: asyncio.Task[Any], peer: str, has_key: bool) -> None:
        """Count a call until its task ends.

        Args:
            task: Task of the call.
            peer: The client's connection.
            has_key: Whether the caller has a key.

        Raises:
            Overloaded: If there are too many calls.
        """
        if self._open >= MAX_CALLS:
            raise Overloaded
        if not has_key:
            self._enter_keyless(task, peer)
        self._open += 1
        task.add_done_callback(self._leave)

    def _enter_keyless(self, task: asyncio.Task[Any], peer: str) -> None:
        keyless, address = self._keyless, address_of(peer) or "none"
        limits = {"": MAX_KEYLESS, address: MAX_KEYLESS_PER_ADDRESS, peer: MAX_KEYLESS_PER_CONNECTION}
        if any(keyless[name] >= limit for name, limit in limits.items()):
            raise Overloaded
        keyless.update(limits.keys())
        task.add_done_callback(lambda _: self._leave_keyless(tuple(limits)))

    def _leave_keyless(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._keyless[name] -= 1
            if not self._keyless[name]:
                del self._keyless[name]

    def _leave(self, task: asyncio.Task[Any]) -> None:
        self._open -= 1
        self._responses.pop(task, None)

    def responding(self, task: asyncio.Task[Any], peer: str) -> None:
        """Start the time limit of a response; `taken`, or the end of the task, ends it."""
        loop = asyncio.get_running_loop()
        self._responses[task] = loop.time(), peer
        if not self._timer_is_running:
            self._timer_is_running = True
            loop.call_later(self._seconds, self._end_late, loop)

    def taken(self, task: asyncio.Task[Any]) -> None:
        """End the time limit of a response."""
        self._responses.pop(task, None)

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the connections with a late response, and restart the timer for the next one."""
        latest = loop.time() - self._seconds
        late = [task for task, (start, _) in self._responses.items() if start <= latest]
        peers = {self._responses.pop(task)[1] for task in late}
        if peers and (closed := hang_up(peers)):
            self._hangups.inc(closed)
            _log.warning("Closed %d gRPC connections that did not read a response in time", closed)
        self._timer_is_running = bool(self._responses)
        if self._timer_is_running:
            oldest = next(iter(self._responses.values()))[0]
            loop.call_later(max(oldest - latest, _PAUSE), self._end_late, loop)
