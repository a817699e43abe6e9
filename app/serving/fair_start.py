"""The turnstile: lets so many requests begin in a turn of the event loop, first come, first served, and health at once.

With 2,000 busy connections a turn that begins whatever has arrived takes a third of a second, and nobody who comes
meanwhile is even read: neither health checks nor new connections. Turns of a few milliseconds answer as many requests.
Who waits is not looked at: what a request is made of is made at its turn, and found in the core's caches by the steps
that follow.
"""

import asyncio
from collections import deque
from collections.abc import Callable

CROWD = 64
"""Connections up to which nobody waits: whatever comes of them in a turn is a few milliseconds of work."""
MOST_BEGUN = 16
"""Requests of a crowd that begin in a turn; as each takes some turns, so many are in work as the core's caches hold."""
AT_ONCE = (b"GET /health/", b"HEAD /health/")
"""What requests begin with that wait for nobody; they cost next to nothing."""


class FairStart:
    """Counts the requests of a turn. Whoever would be one too many waits for the next."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Initialize the fair start.

        Args:
            loop: Whose turns count.
        """
        self._loop = loop
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, arrived: bytes, begin: Callable[[], None]) -> None:
        """Let a request begin, now or in a later turn.

        Args:
            arrived: Its first bytes.
            begin: Begins it.
        """
        if arrived.startswith(AT_ONCE):
            begin()
        elif self._begun < MOST_BEGUN:
            self._count()
            begin()
        else:
            self._waiting.append(begin)

    def _count(self) -> None:
        if not self._begun:
            self._loop.call_soon(self._turn)
        self._begun += 1

    def _turn(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < MOST_BEGUN:
            self._count()
            self._waiting.popleft()()
