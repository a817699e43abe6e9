"""The turnstile: so many requests in a turn of the event loop, in the order they came; health waits for nobody."""

import asyncio

import pytest

from app.serving.fair_start import MOST_BEGUN, FairStart

PREDICT = b"POST /predict HTTP/1.1"
MANY = 5 * MOST_BEGUN + 3


@pytest.mark.anyio
async def test_so_many_begin_in_a_turn_in_the_order_they_came() -> None:
    turnstile = FairStart(asyncio.get_running_loop())
    begun: list[int] = []
    for number in range(MANY):
        turnstile.enter(PREDICT, lambda number=number: begun.append(number))  # type: ignore[misc]
    turns = [len(begun)]
    while len(begun) < MANY:
        assert len(turnstile) == MANY - len(begun)
        await asyncio.sleep(0)
        turns.append(len(begun) - sum(turns))
    assert begun == list(range(MANY))
    assert [count for count in turns if count] == [MOST_BEGUN] * 5 + [3]


@pytest.mark.anyio
async def test_health_begins_at_once_and_newcomers_wait_behind_those_that_wait() -> None:
    turnstile = FairStart(asyncio.get_running_loop())
    begun: list[str] = []
    for number in range(MOST_BEGUN + 1):
        turnstile.enter(PREDICT, lambda number=number: begun.append(str(number)))  # type: ignore[misc]
    turnstile.enter(b"GET /health/live HTTP/1.1", lambda: begun.append("health"))
    assert begun[-1] == "health"
    turnstile.enter(PREDICT, lambda: begun.append("late"))
    await asyncio.sleep(0)
    assert begun[-2:] == [str(MOST_BEGUN), "late"]


@pytest.mark.anyio
async def test_a_turn_that_begins_few_takes_the_next_at_once() -> None:
    turnstile = FairStart(asyncio.get_running_loop())
    begun: list[int] = []
    for number in range(3 * MOST_BEGUN):
        turnstile.enter(PREDICT, lambda number=number: begun.append(number))  # type: ignore[misc]
        await asyncio.sleep(0)
        assert begun == list(range(number + 1))
