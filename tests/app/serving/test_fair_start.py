"""Fair start: a limited number of requests per turn of the event loop, in order; health is never delayed."""

import asyncio

import pytest

from app.serving.fair_start import MAX_BEGUN, FairStart

PREDICT = b"POST /predict HTTP/1.1"
MANY = 5 * MAX_BEGUN + 3


@pytest.mark.anyio
async def test_a_limited_number_begins_per_turn_in_order() -> None:
    fair_start = FairStart(asyncio.get_running_loop())
    begun: list[int] = []
    for number in range(MANY):
        fair_start.enter(PREDICT, lambda number=number: begun.append(number))  # type: ignore[misc]
    turns = [len(begun)]
    while len(begun) < MANY:
        assert len(fair_start) == MANY - len(begun)
        await asyncio.sleep(0)
        turns.append(len(begun) - sum(turns))
    assert begun == list(range(MANY))
    assert [count for count in turns if count] == [MAX_BEGUN] * 5 + [3]


@pytest.mark.anyio
async def test_health_is_not_delayed_and_new_requests_queue_behind_delayed_ones() -> None:
    fair_start = FairStart(asyncio.get_running_loop())
    begun: list[str] = []
    for number in range(MAX_BEGUN + 1):
        fair_start.enter(PREDICT, lambda number=number: begun.append(str(number)))  # type: ignore[misc]
    fair_start.enter(b"GET /health/live HTTP/1.1", lambda: begun.append("health"))
    assert begun[-1] == "health"
    fair_start.enter(PREDICT, lambda: begun.append("late"))
    await asyncio.sleep(0)
    assert begun[-2:] == [str(MAX_BEGUN), "late"]


@pytest.mark.anyio
async def test_a_turn_below_the_limit_delays_nothing() -> None:
    fair_start = FairStart(asyncio.get_running_loop())
    begun: list[int] = []
    for number in range(3 * MAX_BEGUN):
        fair_start.enter(PREDICT, lambda number=number: begun.append(number))  # type: ignore[misc]
        await asyncio.sleep(0)
        assert begun == list(range(number + 1))
