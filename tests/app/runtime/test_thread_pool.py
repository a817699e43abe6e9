"""The thread pool: slow calls run in it, and calls beyond its queue are rejected at once."""

import asyncio
import gc
import os
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from app.domains.api import Operation
from app.domains.beer.api import BeerApi
from app.domains.validation import problems_of
from app.errors import Overloaded, Problem
from app.models.manager import ModelManager
from app.runtime.thread_pool import NICENESS, BoundedThreadPool
from tests.known import KEY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

PATIENCE = 10.0


class Question(BaseModel):
    """Asks for a pause, or not."""

    slow: bool = False
    filler: str = ""


class PausingApi:
    """Answers with the thread it ran in; a slow one waits until it is let go."""

    models = ("pause",)
    listings: tuple[Any, ...] = ()

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def _run(self, question: Question) -> dict[str, Any]:
        if question.slow:
            self.begun.release()
            assert self.go.wait(PATIENCE)
        return {"thread": threading.current_thread().name}

    @property
    def operations(self) -> list[Operation[Question, dict[str, Any]]]:
        """One that takes one, one that takes many."""
        common: dict[str, Any] = {
            "summary": "",
            "description": "",
            "request": Question,
            "answer": dict[str, Any],
            "answered": "",
            "run": self._run,
            "slow": lambda q: q.slow,
        }
        return [
            Operation(name="one", path="/one", **common),
            Operation(name="many", path="/many", size="many", **common),
        ]


@pytest.fixture
def domain() -> PausingApi:
    """A face whose slow answers wait."""
    return PausingApi()


@pytest.fixture
async def client(domain: PausingApi) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a door with room for one in work and one waiting."""
    thread_pool = BoundedThreadPool(size=1, queue=1)
    application = rest_application(ModelManager(domain.models), domain, thread_pool=thread_pool)
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client
    domain.go.set()
    thread_pool.stop()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.anyio
async def test_a_fast_request_runs_in_the_event_loop(client: httpx.AsyncClient) -> None:
    answer = await client.post("/one", json={})
    assert answer.json()["thread"] == threading.current_thread().name


@pytest.mark.anyio
async def test_a_slow_request_runs_in_the_thread_pool(client: httpx.AsyncClient, domain: PausingApi) -> None:
    domain.go.set()
    answer = await client.post("/one", json={"slow": True})
    assert answer.json()["thread"].startswith("slow")


@pytest.mark.anyio
async def test_a_large_body_is_parsed_in_the_thread_pool(client: httpx.AsyncClient) -> None:
    answer = await client.post("/one", json={"filler": "x" * 5000})
    assert answer.json()["thread"].startswith("slow")
    wrong = await client.post("/one", json={"filler": ["x" * 5000]})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "filler"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/one", "/many"])
async def test_a_full_queue_is_answered_with_503_at_once(
    client: httpx.AsyncClient, domain: PausingApi, path: str
) -> None:
    taken = [asyncio.create_task(client.post("/one", json={"slow": True})) for _ in range(2)]
    await _until(lambda: domain.begun.acquire(blocking=False))
    refused = await asyncio.wait_for(client.post(path, json={"slow": True}), PATIENCE)
    assert refused.status_code == 503
    assert refused.json()["code"] == "overloaded"
    assert refused.headers["retry-after"] == "1"
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.post("/one", json={})).status_code == 200, "what is quick is never refused"
    domain.go.set()
    assert [(await task).status_code for task in taken] == [200, 200]
    assert (await client.post(path, json={"slow": True})).status_code == 200, "there is room again"


@pytest.mark.anyio
async def test_a_batch_is_rejected_before_its_body_is_read(client: httpx.AsyncClient, domain: PausingApi) -> None:
    taken = [asyncio.create_task(client.post("/one", json={"slow": True})) for _ in range(2)]
    await _until(lambda: domain.begun.acquire(blocking=False))

    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    refused = await client.post("/many", content=body(), headers={"content-length": "1000"})
    assert refused.status_code == 503
    domain.go.set()
    await asyncio.gather(*taken)


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="only there each thread has a niceness of its own")
async def test_slow_calls_leave_the_event_loop_the_larger_share_of_a_core() -> None:
    thread_pool = BoundedThreadPool()
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    niceness = await thread_pool.run(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), None)
    thread_pool.stop()
    assert niceness == min(own + NICENESS, 19)


@pytest.mark.anyio
@pytest.mark.parametrize("is_long", [False, True])
async def test_stopping_the_pool_cancels_waiting_calls(is_long: bool) -> None:
    thread_pool, go, begun = BoundedThreadPool(1, 1), threading.Event(), threading.Event()

    def work(_: None) -> bool:
        begun.set()
        return go.wait(PATIENCE)

    tasks = [asyncio.create_task(thread_pool.run(work, None, is_long)) for _ in range(2)]
    await _until(begun.is_set)
    with pytest.raises(Overloaded):
        await thread_pool.run(work, None, is_long)
    thread_pool.stop()
    go.set()
    assert await tasks[0] is True
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert thread_pool.taken == 0


@pytest.mark.anyio
@pytest.mark.parametrize("is_long", [False, True])
async def test_a_cancelled_call_holds_its_thread_until_its_work_ends(is_long: bool) -> None:
    """A client that hangs up again and again starts no more work at once than others."""
    thread_pool, go, begun = BoundedThreadPool(1, 0), threading.Event(), threading.Event()

    def work(_: None) -> bool:
        begun.set()
        return go.wait(PATIENCE)

    task = asyncio.create_task(thread_pool.run(work, None, is_long))
    await _until(begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(Overloaded):
        await thread_pool.run(work, None, is_long)
    go.set()
    await _until(lambda: thread_pool.taken == 0)
    assert await thread_pool.run(work, None, is_long) is True
    thread_pool.stop()


def test_errors_above_a_thousand_are_counted_but_not_listed() -> None:
    class Numbers(BaseModel):
        numbers: list[int]

    def problems(count: int) -> list[Problem]:
        with pytest.raises(ValidationError) as caught:
            Numbers.model_validate({"numbers": ["x"] * count})
        return problems_of(caught.value)

    assert len(problems(1_000)) == 1_000
    assert [(p.field, p.code) for p in problems(1_001)] == [("body", "too_many_problems")]


@pytest.mark.anyio
@pytest.mark.parametrize("is_long", [False, True])
async def test_a_failed_call_keeps_nothing(is_long: bool) -> None:
    """Its exception does not hold the argument, which may be large, until garbage is collected."""

    class Body:
        """Can be referred to weakly, as bytes cannot."""

    def fail(_: Body) -> None:
        raise ValueError

    async def call() -> weakref.ref[Body]:
        body = Body()
        with pytest.raises(ValueError):
            await pool.run(fail, body, is_long)
        return weakref.ref(body)

    pool = BoundedThreadPool()
    gc.disable()
    try:
        kept = await call()
        await asyncio.sleep(0.05)  # the thread lets go of its own reference after it has set the outcome
        assert kept() is None
    finally:
        gc.enable()
        pool.stop()


def test_spare_work_runs_only_while_a_thread_is_free_and_is_no_call() -> None:
    pool, ran = BoundedThreadPool(size=2, queue=0), threading.Event()
    assert pool.run_spare(ran.set) and ran.wait(PATIENCE)
    assert pool.taken == 0 and not pool.full
    pool.taken = 2
    assert pool.busy and not pool.run_spare(ran.set)
    pool.taken = 0
    pool.stop()
    assert not pool.run_spare(ran.set)


@pytest.mark.anyio
async def test_long_calls_leave_a_thread_to_the_others() -> None:
    pool, go, begun = BoundedThreadPool(size=3, queue=8), threading.Event(), threading.Semaphore(0)

    def work(number: int) -> int:
        begun.release()
        assert go.wait(PATIENCE)
        return number

    long = [asyncio.create_task(pool.run(work, number, True)) for number in range(5)]
    await _until(lambda: begun.acquire(blocking=False))
    await _until(lambda: begun.acquire(blocking=False))
    for number in range(5):  # each finds the third thread
        assert await pool.run(lambda number: -number, number) == -number
    assert not begun.acquire(blocking=False)
    long[2].cancel()  # while it waits
    go.set()
    results = await asyncio.gather(*long, return_exceptions=True)
    assert [*results[:2], *results[3:]] == [0, 1, 3, 4] and isinstance(results[2], asyncio.CancelledError)
    assert await pool.run(work, 7, True) == 7
    await _until(lambda: pool.taken == 0)
    pool.stop()


@pytest.mark.anyio
async def test_a_pool_of_one_thread_runs_long_calls_too() -> None:
    pool = BoundedThreadPool(size=1)
    assert [await pool.run(lambda number: number, each, True) for each in range(3)] == [0, 1, 2]
    pool.stop()


def test_what_may_take_a_second_is_long() -> None:
    manager = model_manager(BeerApi)
    long = {operation.name for operation in BeerApi(manager).operations if operation.long}
    assert long == {"predict_batch", "predict_recipes", "solve_batch"}
