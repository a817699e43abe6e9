"""Rates: as many calls as allowed, then when to come again; in memory, and in a real Redis that comes and goes."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from app.access.keys import Principal
from app.access.rates import IN_MEMORY, PAUSE, RateLimiter, parse_rate
from app.errors import LimitsUnavailable, RateExceeded
from tests.redis_server import Redis

pytestmark = pytest.mark.anyio
PATIENCE = 20.0
Make = Callable[..., RateLimiter]


def _caller(rate: str, name: str = "caller") -> Principal:
    return Principal(name, frozenset({"predict"}), rate=parse_rate(rate))


@pytest.fixture
async def limited() -> AsyncIterator[Make]:
    """Makes limiters that are closed at the end."""
    made: list[RateLimiter] = []

    def make(*arguments: Any) -> RateLimiter:
        made.append(RateLimiter(*arguments))
        return made[-1]

    yield make
    for limiter in made:
        await limiter.close()


async def _exhaust(limiter: RateLimiter, caller: Principal) -> RateExceeded:
    for _ in range(1_000):
        try:
            await limiter.admit(caller)
        except RateExceeded as error:
            return error
    raise AssertionError("never refused")


@pytest.mark.parametrize("where", ["memory", "redis"])
async def test_the_call_above_the_rate_is_told_when_to_come_again(
    where: str, request: pytest.FixtureRequest, limited: Make
) -> None:
    limiter = limited(IN_MEMORY if where == "memory" else request.getfixturevalue("redis").url)
    caller = _caller("5/2 seconds")
    left = [await limiter.admit(caller) for _ in range(5)]
    assert [(x.quota, x.seconds, x.remaining) for x in left if x] == [(5, 2, n) for n in (4, 3, 2, 1, 0)]
    assert all(1 <= x.reset <= 2 for x in left if x)
    refused = await _exhaust(limiter, caller)
    assert (refused.quota, refused.window) == (5, 2)
    assert 1 <= refused.seconds <= 2
    await limiter.admit(_caller("5/2 seconds", "another"))
    again = time.monotonic() + refused.seconds
    while time.monotonic() < again:
        await asyncio.sleep(0.02)
    await limiter.admit(caller)


async def test_two_machines_count_together_in_redis(redis: Redis, limited: Make) -> None:
    one, other = limited(redis.url), limited(redis.url)
    caller = _caller("4/minute")
    left = [await limiter.admit(caller) for limiter in (one, other, one, other)]
    assert [x.remaining for x in left if x] == [3, 2, 1, 0]
    assert all(58 <= x.reset <= 60 for x in left if x)
    for limiter in one, other:
        with pytest.raises(RateExceeded):
            await limiter.admit(caller)


async def test_while_redis_is_gone_calls_are_served_or_refused_as_set_and_counted_again_after(
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
        await opened.admit(caller)
        with pytest.raises(LimitsUnavailable):
            await closed.admit(caller)
    assert time.monotonic() - began < 2
    assert set(failures) == {"open", "closed"}
    assert len(failures) < 10
    redis.start()
    deadline = time.monotonic() + PAUSE + PATIENCE
    for limiter in opened, closed:
        while True:
            try:
                await limiter.admit(caller)
            except RateExceeded:
                break
            except LimitsUnavailable:
                pass
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_a_redis_that_hangs_holds_a_call_up_no_longer_than_it_may(redis: Redis, limited: Make) -> None:
    limiter = limited(redis.url)
    await limiter.admit(_caller("9/minute"))
    redis.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(20):
        await limiter.admit(_caller("9/minute"))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["", "100", "minute", "0/minute", "-1/minute", "x/minute", "1/fortnight"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a rate"):
        parse_rate(text)


@pytest.mark.parametrize(("text", "amount", "seconds"), [("100/minute", 100, 60), ("5 per 10 seconds", 5, 10)])
def test_a_rate_is_read(text: str, amount: int, seconds: int) -> None:
    rate = parse_rate(text)
    assert (rate.amount, rate.get_expiry()) == (amount, seconds)
