"""The failed-key limiter: counts invalid API keys by client address."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from app.errors import TooManyFailures

WINDOW = 60
"""Length of a counting window, in seconds."""
MAX_ADDRESSES = 10_000
"""Maximum number of remembered addresses; the least recently seen address is evicted."""


class FailedKeyLimiter:
    """Counts invalid keys in this process. Calls with a valid key are never counted."""

    def __init__(self, allowed: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty limiter.

        Args:
            allowed: Invalid keys per minute and address; 0 disables the limit.
            clock: Returns the time in seconds.
        """
        self._allowed = allowed
        self._clock = clock
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of remembered addresses."""
        return len(self._windows)

    def count(self, address: str) -> None:
        """Count an invalid key.

        Args:
            address: Address of the client.

        Raises:
            TooManyFailures: If the address has sent more invalid keys than allowed within a minute.
        """
        if not self._allowed:
            return
        now = self._clock()
        start, failures = self._windows.get(address, (now, 0))
        if now >= start + WINDOW:
            start, failures = now, 0
        self._windows[address] = start, failures + 1
        self._windows.move_to_end(address)
        if len(self._windows) > MAX_ADDRESSES:
            self._windows.popitem(last=False)
        if failures >= self._allowed:
            raise TooManyFailures(self._allowed, WINDOW, max(1, math.ceil(start + WINDOW - now)))
