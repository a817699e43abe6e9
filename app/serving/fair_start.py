"""Fair start: limits how many requests begin in one turn of the event loop; first come, first served, health first.

With 2,000 busy connections, a turn that begins every request that has arrived takes a third of a second, during which
neither health checks nor new connections are read. Turns of a few milliseconds answer as many requests. Delayed data
are not parsed before their turn: the objects of a request are then created together, and are still in the core's caches
in the steps that follow.
"""

import asyncio
from collections import deque
from collections.abc import Callable

CROWD = 64
"""Number of connections up to which no request is delayed: one turn is then a few milliseconds of work at most."""
MAX_BEGUN = 16
"""Requests of a crowd that begin in one turn; few enough for the core's caches to hold all that are running."""
UNDELAYED = (b"GET /health/", b"HEAD /health/")
"""First bytes of requests that are never delayed; they cost next to nothing."""


class FairStart:
    """Counts the requests of a turn, and delays the excess to the next turns."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Initialize the fair start.

        Args:
            loop: The event loop whose turns count.
        """
        self._loop = loop
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def __len__(self) -> int:
        """Number of delayed requests."""
        return len(self._waiting)

    def enter(self, data: bytes, begin: Callable[[], None]) -> None:
        """Begin a request, now or in a later turn.

        Args:
            data: The first bytes of the request.
            begin: Begins the request.
        """
        if data.startswith(UNDELAYED):
            begin()
        elif self._begun < MAX_BEGUN:
            self._count()
            begin()
        else:
            self._waiting.append(begin)

    def _count(self) -> None:
        if not self._begun:
            self._loop.call_soon(self._next_turn)
        self._begun += 1

    def _next_turn(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < MAX_BEGUN:
            self._count()
            self._waiting.popleft()()
