"""Rate limits: how many calls a key may make in a window of time."""

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
    from limits.aio.storage import RedisStorage
    from redis.asyncio import ConnectionPool

IN_MEMORY = "memory://"
STORE_TIMEOUT = 0.25
"""Seconds to wait for the store."""
RETRY_PAUSE = 1.0
"""Seconds after a failure during which the store is not asked again, so that calls do not all wait for a time-out."""
MAX_WINDOWS = 50_000
"""Maximum number of windows that are remembered, more than a key file has keys; the oldest one is evicted."""
FAILURES = Family("rate_limit_storage_failures_total", "Failed requests to the store of the rate limits.", "counter")
_log = logging.getLogger(__name__)


def check_rate(text: str) -> str:
    """Validate a rate such as ``100/minute`` or ``5 per 10 seconds``, and return it unchanged.

    Raises:
        ValueError: If the text is not a rate.
    """
    parse_rate(text)
    return text


def parse_rate(text: str) -> "RateLimitItem":
    """Parse a rate; see `check_rate`."""
    from limits import parse  # imported only where a rate is set

    try:
        rate = parse(text)
    except ValueError:
        rate = None
    if rate is None or rate.amount < 1 or rate.multiples < 1:
        raise ValueError("must be a rate such as 100/minute")
    return rate


@dataclass(frozen=True, slots=True)
class Window:
    """The current window of a rate."""

    quota: int
    """Calls allowed in a window."""
    seconds: int
    """Length of a window in seconds."""
    remaining: int
    """Calls left in the current window."""
    reset: int
    """Seconds until the next window begins, at least 1."""


class RateLimiter:
    """Counts the calls of keys that have a rate, in fixed windows that begin with a key's first call.

    In memory, each process counts separately. Redis counts for all processes and machines that share it; requests to it
    never block the event loop.
    """

    def __init__(
        self,
        storage: str = IN_MEMORY,
        failure: Literal["open", "closed"] = "open",
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        """Create a rate limiter.

        Args:
            storage: ``memory://`` or a Redis URL.
            failure: Policy while the store does not answer: ``open`` accepts calls, ``closed`` rejects them.
            on_failure: Called each time the store does not answer.
        """
        self._storage = storage
        self._failure = failure
        self._on_failure = on_failure
        self._pool: ConnectionPool | None = None
        self._store: RedisStorage | None = None if storage == IN_MEMORY else self._connect()
        self._paused_until = 0.0
        self._windows: dict[str, tuple[int, float]] = {}
        """Calls and end of each key's window, in seconds of the monotonic clock. With a store, only the end is used: it
        saves a request per call."""

    async def count(self, principal: Principal) -> Window | None:
        """Count a call.

        Args:
            principal: The caller.

        Returns:
            The current window; None if the caller has no rate, or the store does not answer.

        Raises:
            RateExceeded: If the key has used up its rate.
            LimitsUnavailable: If the store does not answer, and the policy is ``closed``.
        """
        rate = principal.rate
        if rate is None:
            return None
        if self._paused_until and time.monotonic() < self._paused_until:
            self._check_policy()
            return None
        try:
            if self._store is None:
                calls, end = self._increment(rate, principal.id)
            else:
                async with asyncio.timeout(STORE_TIMEOUT):
                    calls, end = await self._increment_stored(self._store, rate, principal.id)
        except Exception as error:  # errors of the client library and the network, and time-outs
            self._note_failure(error)
            self._check_policy()
            return None
        reset = max(1, math.ceil(end - time.monotonic()))
        if calls > rate.amount:
            raise RateExceeded(rate.amount, rate.get_expiry(), reset)
        return Window(rate.amount, rate.get_expiry(), rate.amount - calls, reset)

    def _increment(self, rate: "RateLimitItem", name: str) -> tuple[int, float]:
        """Count a call in memory, and return the number of calls in this window and its end."""
        key, now = rate.key_for(name), time.monotonic()
        calls, end = self._windows.get(key, (0, 0.0))
        if end <= now:
            calls, end = 0, now + rate.get_expiry()
            self._windows.pop(key, None)  # the order is that of the windows' beginnings
        self._remember(key, calls + 1, end)
        return calls + 1, end

    async def _increment_stored(self, store: "RedisStorage", rate: "RateLimitItem", name: str) -> tuple[int, float]:
        """Count a call in the store, and return the number of calls in this window and its end."""
        key, length = rate.key_for(name), rate.get_expiry()
        calls = await store.incr(key, length)
        end = self._windows.get(key, (0, 0.0))[1]
        if calls == 1:
            end = time.monotonic() + length
            self._remember(key, calls, end)
        elif end <= time.monotonic():  # another process started the window
            left = await store.get_expiry(key) - time.time()  # the library adds the time to the seconds left
            end = time.monotonic() + min(max(left, 0.0), length)
            self._remember(key, calls, end)
        return calls, end

    def _remember(self, key: str, calls: int, end: float) -> None:
        self._windows[key] = calls, end
        if len(self._windows) > MAX_WINDOWS:
            del self._windows[next(iter(self._windows))]

    def _connect(self) -> "RedisStorage":
        from limits.aio.storage import RedisStorage
        from redis.asyncio import ConnectionPool

        self._pool = ConnectionPool.from_url(self._storage)
        return RedisStorage(
            "async+redis://",
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type]  # the library types its options too narrowly
        )

    def start(self) -> None:
        """See `app.lifecycle.Component`; the connection opens with the first call that needs it."""

    async def stop(self) -> None:
        """Close the connections to the store; a later call opens new ones."""
        if self._pool is not None:
            await self._pool.disconnect()

    def _note_failure(self, error: Exception) -> None:
        self._on_failure()
        self._paused_until = time.monotonic() + RETRY_PAUSE
        _log.error("the rate limit store does not answer (%s): failing %s", type(error).__name__, self._failure)

    def _check_policy(self) -> None:
        """Reject a call that cannot be counted, if the policy says so."""
        if self._failure == "closed":
            raise LimitsUnavailable
