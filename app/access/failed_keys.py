"""Attempts: wrong keys counted by the address they come from."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from app.errors import TooManyFailures

WINDOW = 60
"""Seconds in which wrong keys are counted together."""
MOST_ADDRESSES = 10_000
"""Addresses that are remembered; the one that was seen longest ago makes room."""


class FailedKeyLimiter:
    """Counts wrong keys in this process; a right one is nobody's business here."""

    def __init__(self, allowed: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Initialize the failed key limiter.

        Args:
            allowed: Wrong keys a minute from one address; 0 lets through any number.
            clock: Seconds.
        """
        self._allowed = allowed
        self._clock = clock
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._seen)

    def count(self, address: str) -> None:
        """A wrong key has come.

        Args:
            address: From where.

        Raises:
            TooManyFailures: More than are allowed have come from there within a minute.
        """
        if not self._allowed:
            return
        now = self._clock()
        began, number = self._seen.get(address, (now, 0))
        if now >= began + WINDOW:
            began, number = now, 0
        self._seen[address] = began, number + 1
        self._seen.move_to_end(address)
        if len(self._seen) > MOST_ADDRESSES:
            self._seen.popitem(last=False)
        if number >= self._allowed:
            raise TooManyFailures(self._allowed, WINDOW, max(1, math.ceil(began + WINDOW - now)))
