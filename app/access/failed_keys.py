"""The failed-key limiter: counts invalid API keys by client address."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Network

from app.errors import TooManyFailures

WINDOW = 60
"""Length of a counting window, in seconds."""
MAX_ADDRESSES = 10_000
"""Maximum number of remembered addresses and networks; the least recently seen one is evicted."""
SITE_PREFIX = 48
"""Prefix length in bits of the IPv6 networks that are counted as well: one site usually has 65,536 networks of /64."""
SITE_FACTOR = 16
"""Invalid keys allowed for a site, as a multiple of those allowed for one address."""


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
            address: Address of the client, or its /64 network for IPv6. The /48 network around that is counted too.

        Raises:
            TooManyFailures: If the address or its /48 network has sent more invalid keys than allowed within a minute.
        """
        if not self._allowed:
            return
        self._count(address, self._allowed)
        if address.endswith("/64"):  # a key that is rejected above does not count against the neighbours
            self._count(str(IPv6Network(address).supernet(new_prefix=SITE_PREFIX)), self._allowed * SITE_FACTOR)

    def _count(self, address: str, allowed: int) -> None:
        now = self._clock()
        start, failures = self._windows.get(address, (now, 0))
        if now >= start + WINDOW:
            start, failures = now, 0
        self._windows[address] = start, failures + 1
        self._windows.move_to_end(address)
        if len(self._windows) > MAX_ADDRESSES:
            self._windows.popitem(last=False)
        if failures >= allowed:
            raise TooManyFailures(allowed, WINDOW, max(1, math.ceil(start + WINDOW - now)))
