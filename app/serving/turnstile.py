"""The turnstile: lets so many requests begin in a turn of the event loop, first come, first served, and health at once.

With 2,000 busy connections a turn that begins whatever has arrived takes a third of a second, and nobody who comes
meanwhile is even read: neither health checks nor new connections. Turns of a few milliseconds answer as many requests.
"""

import asyncio
from collections import deque
from collections.abc import Callable

MOST_BEGUN = 64
"""Requests that begin in a turn: a few milliseconds of work."""
AT_ONCE = "/health/"
"""What paths begin with that wait for nobody; they cost next to nothing."""


class Turnstile:
    """Counts the requests of a turn. Whoever would be one too many waits for the next."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Args:
        loop: Whose turns count.
        """
        self._loop = loop
        self._begun = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enter(self, path: str, begin: Callable[[], None]) -> None:
        """Let a request begin, now or in a later turn.

        Args:
            path: The request's.
            begin: Begins it.
        """
        if path.startswith(AT_ONCE):
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
