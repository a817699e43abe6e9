"""Rates: how many calls a key may make in a time."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from app.access.keys import Principal
from app.errors import LimitsUnavailable, RateExceeded
from app.telemetry.metrics import Family

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.strategies import FixedWindowRateLimiter
    from redis.asyncio import ConnectionPool

IN_MEMORY = "memory://"
LONGEST_WAIT = 0.25
"""Seconds that the store may take to answer."""
PAUSE = 1.0
"""Seconds that a store that did not answer is left alone, so that not every call waits for it."""
FAILURES = Family(
    "rate_limit_storage_failures_total", "Times that the store of the rate limits did not answer.", "counter"
)
_log = logging.getLogger(__name__)


def check_rate(text: str) -> str:
    """Check a rate, ``100/minute`` or ``5 per 10 seconds``, and give the same text.

    Raises:
        ValueError: It is none.
    """
    parse_rate(text)
    return text


def parse_rate(text: str) -> "RateLimitItem":
    """A rate from its text; see `check_rate`."""
    from limits import parse  # only who limits pays for the library

    try:
        rate = parse(text)
    except ValueError:
        rate = None
    if rate is None or rate.amount < 1 or rate.multiples < 1:
        raise ValueError("must be a rate such as 100/minute")
    return rate


class RateLimiter:
    """Counts the calls of keys that have a rate, in windows that begin with a key's first call.

    In memory each process counts for itself; a store in Redis counts for all processes and machines that share it, and
    is awaited, never waited for.
    """

    def __init__(
        self,
        storage: str = IN_MEMORY,
        failure: Literal["open", "closed"] = "open",
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Args:
        storage: ``memory://`` or a Redis URL.
        failure: What becomes of a call while the store does not answer: served, or refused.
        failed: Told each time that the store does not answer.
        """
        self._storage = storage
        self._failure = failure
        self._failed = failed
        self._pool: ConnectionPool | None = None
        self._limiter = None if storage == IN_MEMORY else self._connect()
        self._again = 0.0

    async def admit(self, principal: Principal) -> None:
        """Count a call.

        Args:
            principal: Who calls; has a rate.

        Raises:
            RateExceeded: The key has had as many calls as its rate allows.
            LimitsUnavailable: The store does not answer, and calls are not to be served without it.
        """
        rate = principal.rate
        if rate is None:
            return
        if self._again and time.monotonic() < self._again:
            self._decide()
            return
        try:
            if self._pool is None:  # memory answers at once, and a time-out costs as much as the count
                reset = await self._count(rate, principal.id)
            else:
                async with asyncio.timeout(LONGEST_WAIT):
                    reset = await self._count(rate, principal.id)
        except Exception as error:  # the client library's own, the network's, time-outs
            self._gone(error)
            self._decide()
            return
        if reset is not None:
            raise RateExceeded(rate.amount, rate.get_expiry(), max(1, math.ceil(reset - time.time())))

    async def _count(self, rate: "RateLimitItem", name: str) -> float | None:
        """Count a call; gives the moment at which the window ends if it was one too many."""
        limiter = self._limiter or self._connect()
        if await limiter.hit(rate, name):
            return None
        return (await limiter.get_window_stats(rate, name)).reset_time

    def _connect(self) -> "FixedWindowRateLimiter":
        from limits.aio.storage import MemoryStorage, RedisStorage
        from limits.aio.strategies import FixedWindowRateLimiter

        if self._storage == IN_MEMORY:
            limiter = FixedWindowRateLimiter(MemoryStorage())
        else:
            from redis.asyncio import ConnectionPool

            self._pool = ConnectionPool.from_url(self._storage)
            store = RedisStorage(
                "async+redis://",
                implementation="redispy",
                connection_pool=self._pool,  # type: ignore[arg-type]  # its options are typed too narrowly
            )
            limiter = FixedWindowRateLimiter(store)
        self._limiter = limiter
        return limiter

    async def close(self) -> None:
        """Close what is open to the store; it opens again by itself."""
        if self._pool is not None:
            await self._pool.disconnect()

    def _gone(self, error: Exception) -> None:
        self._failed()
        self._again = time.monotonic() + PAUSE
        _log.error("the store of the rate limits does not answer (%s): failing %s", type(error).__name__, self._failure)

    def _decide(self) -> None:
        if self._failure == "closed":
            raise LimitsUnavailable
