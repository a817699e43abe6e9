"""Rates: how many calls a key may make in a time."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.access.keys import Principal
from app.errors import LimitsUnavailable, RateExceeded
from app.telemetry.metrics import Family

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.storage import Storage
    from redis.asyncio import ConnectionPool

IN_MEMORY = "memory://"
LONGEST_WAIT = 0.25
"""Seconds that the store may take to answer."""
PAUSE = 1.0
"""Seconds that a store that did not answer is left alone, so that not every call waits for it."""
MOST_REMEMBERED = 10_000
"""Windows whose ends are remembered."""
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


@dataclass(frozen=True, slots=True)
class Window:
    """What a caller has left."""

    quota: int
    """Calls allowed in a window."""
    seconds: int
    """Seconds that a window lasts."""
    remaining: int
    """Calls left in this one."""
    reset: int
    """Seconds until the next begins, at least 1."""


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
        """Initialize the rate limiter.

        Args:
            storage: ``memory://`` or a Redis URL.
            failure: What becomes of a call while the store does not answer: served, or refused.
            failed: Told each time that the store does not answer.
        """
        self._storage = storage
        self._failure = failure
        self._failed = failed
        self._pool: ConnectionPool | None = None
        self._store = None if storage == IN_MEMORY else self._connect()
        self._again = 0.0
        self._ends: dict[str, float] = {}
        """When the window of each key ends, as far as it has been seen: it need not be asked for at each call."""

    async def admit(self, principal: Principal) -> Window | None:
        """Count a call.

        Args:
            principal: Who calls; has a rate.

        Returns:
            What is left; None where that is not known, or there is no rate.

        Raises:
            RateExceeded: The key has had as many calls as its rate allows.
            LimitsUnavailable: The store does not answer, and calls are not to be served without it.
        """
        rate = principal.rate
        if rate is None:
            return None
        if self._again and time.monotonic() < self._again:
            self._decide()
            return None
        try:
            if self._pool is None:  # memory answers at once, and a time-out costs as much as the count
                calls, end = await self._count(rate, principal.id)
            else:
                async with asyncio.timeout(LONGEST_WAIT):
                    calls, end = await self._count(rate, principal.id)
        except Exception as error:  # the client library's own, the network's, time-outs
            self._gone(error)
            self._decide()
            return None
        reset = max(1, math.ceil(end - time.time()))
        if calls > rate.amount:
            raise RateExceeded(rate.amount, rate.get_expiry(), reset)
        return Window(rate.amount, rate.get_expiry(), rate.amount - calls, reset)

    async def _count(self, rate: "RateLimitItem", name: str) -> tuple[int, float]:
        """Count a call; gives the calls in this window, and the moment at which it ends."""
        store = self._store or self._connect()
        key, lasts = rate.key_for(name), rate.get_expiry()
        calls = await store.incr(key, lasts)
        end = self._ends.get(key, 0.0)
        if len(self._ends) > MOST_REMEMBERED:
            self._ends.clear()
        if calls == 1:
            end = self._ends[key] = time.time() + lasts
        elif end <= time.time():  # another process began the window
            end = self._ends[key] = await store.get_expiry(key)
        return calls, end

    def _connect(self) -> "Storage":
        from limits.aio.storage import MemoryStorage, RedisStorage

        store: Storage
        if self._storage == IN_MEMORY:
            store = MemoryStorage()
        else:
            from redis.asyncio import ConnectionPool

            self._pool = ConnectionPool.from_url(self._storage)
            store = RedisStorage(
                "async+redis://",
                implementation="redispy",
                connection_pool=self._pool,  # type: ignore[arg-type]  # its options are typed too narrowly
            )
        self._store = store
        return store

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
