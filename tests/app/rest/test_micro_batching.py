"""Micro-batching: one call for the requests of a turn, and an answer or an error for each."""

import asyncio
import json
import threading
from collections.abc import Sequence

import httpx
import pytest

from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE
from app.errors import Overloaded
from app.rest.micro_batching import MicroBatcher, NamingBatcher, RemoteMicroBatcher
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.calls import CallWatch, current_calls
from app.telemetry.ids import EnteredRequestIds, current_requests
from tests.known import KEY

pytestmark = pytest.mark.anyio
HEADERS = {"X-API-Key": KEY}


class Asked:
    """Doubles numbers and records its calls; raises on 13 and returns an error for 7."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def __call__(self, questions: Sequence[int]) -> list[int | Exception]:
        self.calls.append(list(questions))
        if 13 in questions:
            raise ArithmeticError("13")
        return [ValueError("7") if question == 7 else 2 * question for question in questions]


async def all_of(gathering: MicroBatcher, *questions: int) -> list[object]:
    return await asyncio.gather(*map(gathering.answer, questions), return_exceptions=True)


async def test_requests_of_one_turn_are_one_call_and_answered_in_order() -> None:
    asked = Asked()
    gathering = MicroBatcher(asked)
    assert await all_of(gathering, 3, 1, 2) == [6, 2, 4]
    assert await all_of(gathering, 5) == [10]
    assert asked.calls == [[3, 1, 2], [5]]


async def test_each_error_reaches_its_request_alone() -> None:
    first, refused, last = await all_of(MicroBatcher(Asked()), 1, 7, 2)
    assert (first, last) == (2, 4) and isinstance(refused, ValueError)


async def test_an_exception_reaches_the_request_that_causes_it_alone() -> None:
    found = await all_of(MicroBatcher(Asked()), 1, 13, 2, 7)
    assert [type(each) for each in found] == [int, ArithmeticError, int, ValueError]


async def test_a_cancelled_request_does_not_affect_others() -> None:
    gathering = MicroBatcher(Asked())
    given_up = asyncio.create_task(gathering.answer(1))
    waiting = asyncio.create_task(gathering.answer(2))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await waiting == 4
    assert await all_of(gathering, 3) == [6]


async def test_requests_at_once_get_the_same_bytes_as_alone(client: httpx.AsyncClient) -> None:
    swapped = {**EXAMPLE_BEER, "target_fg": 1090.0}
    recipe = {**EXAMPLE_RECIPE, "explain": False}
    beers = [EXAMPLE_BEER, recipe, swapped, {**EXAMPLE_BEER, "abv": 60.0}, {"abv": "x"}, EXAMPLE_RECIPE]
    bodies = [json.dumps(beer).encode() for beer in (*beers, *({**EXAMPLE_BEER, "abv": n / 5} for n in range(40)))]
    alone = [await client.post("/predict", content=body, headers=HEADERS) for body in bodies]
    together = await asyncio.gather(*(client.post("/predict", content=body, headers=HEADERS) for body in bodies))
    assert [(r.status_code, r.content) for r in together] == [(r.status_code, r.content) for r in alone]
    assert [r.status_code for r in alone[:6]] == [200, 200, 422, 200, 422, 200]


async def test_remote_requests_of_one_turn_are_one_call_that_blocks_no_other() -> None:
    asked, loop = Asked(), asyncio.get_running_loop()
    is_out, goes_on = asyncio.Event(), threading.Event()

    def ask(questions: Sequence[int]) -> list[int | Exception]:
        if 1 in questions:
            loop.call_soon_threadsafe(is_out.set)
            goes_on.wait(30)
        return asked(questions)

    gathering = RemoteMicroBatcher(ask, BoundedThreadPool(2, 0, computes=False))
    held = loop.create_task(all_of(gathering, 3, 1, 7))
    await is_out.wait()
    assert await all_of(gathering, 5) == [10], "the call before is still out"
    goes_on.set()
    three, one, seven = await held
    assert (three, one) == (6, 2) and isinstance(seven, ValueError)
    assert asked.calls == [[5], [3, 1, 7]]


async def test_too_many_remote_calls_are_rejected() -> None:
    loop, is_out, goes_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def ask(questions: Sequence[int]) -> list[bool]:
        loop.call_soon_threadsafe(is_out.set)
        return [goes_on.wait(30)] * len(questions)

    gathering = RemoteMicroBatcher(ask, BoundedThreadPool(1, 0))
    held = loop.create_task(all_of(gathering, 1))
    await is_out.wait()
    assert [type(each) for each in await all_of(gathering, 2, 3)] == [Overloaded, Overloaded]
    goes_on.set()
    assert await held == [True]


async def test_where_requests_are_answered_it_is_known_whose_they_are() -> None:
    seen: list[tuple[object, list[str]]] = []

    def run_many(questions: Sequence[int]) -> list[int]:
        seen.append((current_requests(), [call.key_id for call in current_calls()]))
        if 13 in questions:
            raise ArithmeticError("13")
        return list(questions)

    batcher, watch = NamingBatcher(run_many, MicroBatcher), CallWatch()

    async def ask(name: str, question: int) -> int:
        EnteredRequestIds().of(name.encode())
        watch.begin(None).key_id = name
        return int(await batcher.answer(question))

    await ask("a", 1)
    await asyncio.gather(ask("b", 2), ask("c", 13), return_exceptions=True)
    b, c = ((b"b",), ["b"]), ((b"c",), ["c"])
    assert seen == [((b"a",), ["a"]), ((b"b", b"c"), ["b", "c"]), b, c], "the joined call fails, and each runs alone"
