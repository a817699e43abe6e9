"""Rate limits: in memory, and in a real Redis that stops and restarts."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from app.access.keys import Principal
from app.access.rates import IN_MEMORY, RETRY_PAUSE, RateLimiter, parse_rate
from app.errors import LimitsUnavailable, RateExceeded
from tests.redis_server import Redis

pytestmark = pytest.mark.anyio
PATIENCE = 20.0
Make = Callable[..., RateLimiter]


def _caller(rate: str, name: str = "caller") -> Principal:
    return Principal(name, frozenset({"predict"}), rate=parse_rate(rate))


@pytest.fixture
async def limited() -> AsyncIterator[Make]:
    """Creates limiters, and closes them at the end."""
    made: list[RateLimiter] = []

    def make(*arguments: Any) -> RateLimiter:
        made.append(RateLimiter(*arguments))
        return made[-1]

    yield make
    for limiter in made:
        await limiter.stop()


async def _exhaust(limiter: RateLimiter, caller: Principal) -> RateExceeded:
    until = time.monotonic() + 15  # a store that is too busy to answer is asked again after a while
    while time.monotonic() < until:
        try:
            await limiter.count(caller)
        except RateExceeded as error:
            return error
        await asyncio.sleep(0.001)
    raise AssertionError("never rejected")


@pytest.mark.parametrize("where", ["memory", "redis"])
async def test_a_call_above_the_rate_is_rejected_until_the_window_ends(
    where: str, request: pytest.FixtureRequest, limited: Make
) -> None:
    limiter = limited(IN_MEMORY if where == "memory" else request.getfixturevalue("redis").url)
    caller = _caller("5/2 seconds")
    windows = [await limiter.count(caller) for _ in range(5)]
    assert [(x.quota, x.seconds, x.remaining) for x in windows if x] == [(5, 2, n) for n in (4, 3, 2, 1, 0)]
    assert all(1 <= x.reset <= 2 for x in windows if x)
    error = await _exhaust(limiter, caller)
    assert (error.quota, error.window) == (5, 2)
    assert 1 <= error.seconds <= 2
    await limiter.count(_caller("5/2 seconds", "another"))
    again = time.monotonic() + error.seconds
    while time.monotonic() < again:
        await asyncio.sleep(0.02)
    await limiter.count(caller)


@pytest.mark.parametrize("where", ["memory", "redis"])
@pytest.mark.parametrize("step", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_does_not_change_a_window(
    where: str, step: float, request: pytest.FixtureRequest, limited: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = limited(IN_MEMORY if where == "memory" else request.getfixturevalue("redis").url)
    caller, real = _caller("3/2 seconds"), time.time
    await _exhaust(limiter, caller)
    monkeypatch.setattr(time, "time", lambda: real() + step)
    error = await _exhaust(limiter, caller)
    assert 1 <= error.seconds <= 2
    with pytest.raises(RateExceeded):
        await limiter.count(caller)
    await asyncio.sleep(2.1)
    window = await limiter.count(caller)
    assert window is not None and window.remaining == 2 and 1 <= window.reset <= 2


async def test_two_machines_share_a_count_in_redis(redis: Redis, limited: Make) -> None:
    one, other = limited(redis.url), limited(redis.url)
    caller = _caller("4/minute")
    windows = [await limiter.count(caller) for limiter in (one, other, one, other)]
    assert [x.remaining for x in windows if x] == [3, 2, 1, 0]
    assert all(58 <= x.reset <= 60 for x in windows if x)
    for limiter in one, other:
        with pytest.raises(RateExceeded):
            await limiter.count(caller)


async def test_without_redis_calls_are_accepted_or_rejected_as_set_and_counted_again_afterwards(
    redis: Redis, limited: Make
) -> None:
    failures: list[str] = []
    opened = limited(redis.url, "open", lambda: failures.append("open"))
    closed = limited(redis.url, "closed", lambda: failures.append("closed"))
    caller = _caller("1/minute")
    await _exhaust(opened, caller)
    redis.stop()
    began = time.monotonic()
    for _ in range(50):
        await opened.count(caller)
        with pytest.raises(LimitsUnavailable):
            await closed.count(caller)
    assert time.monotonic() - began < 2
    assert set(failures) == {"open", "closed"}
    assert len(failures) < 10
    redis.start()
    deadline = time.monotonic() + RETRY_PAUSE + PATIENCE
    for limiter in opened, closed:
        while True:
            try:
                await limiter.count(caller)
            except RateExceeded:
                break
            except LimitsUnavailable:
                pass
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_redis_that_hangs_delays_calls_for_a_bounded_time(redis: Redis, limited: Make) -> None:
    limiter = limited(redis.url)
    await limiter.count(_caller("9/minute"))
    redis.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(20):
        await limiter.count(_caller("9/minute"))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["", "100", "minute", "0/minute", "-1/minute", "x/minute", "1/fortnight"])
def test_an_invalid_rate_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="must be a rate"):
        parse_rate(text)


@pytest.mark.parametrize(("text", "amount", "seconds"), [("100/minute", 100, 60), ("5 per 10 seconds", 5, 10)])
def test_a_rate_is_parsed(text: str, amount: int, seconds: int) -> None:
    rate = parse_rate(text)
    assert (rate.amount, rate.get_expiry()) == (amount, seconds)
