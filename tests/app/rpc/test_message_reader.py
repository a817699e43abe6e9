"""The message reader: each read has its own time limit, with one timer for all."""

import asyncio

import pytest

from app.errors import Overloaded
from app.problem_types import BODY_TIMEOUT
from app.rpc.message_reader import MessageReader
from app.rpc.status import CallRejected
from app.runtime.memory_budget import MemoryBudget, Reservation

pytestmark = pytest.mark.anyio
SECONDS = 0.3
SIZE = 1000


def _reservation(limit: int = 10_000) -> Reservation:
    return MemoryBudget(limit).reserve()


class Sender:
    """A client whose message arrives at a time that the test sets."""

    def __init__(self) -> None:
        self.message: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        """See `grpc.aio.ServicerContext.read`."""
        return await self.message


async def test_each_read_has_its_own_time_limit() -> None:
    reader, loop = MessageReader(SECONDS, SIZE), asyncio.get_running_loop()
    silent, prompt, later = Sender(), Sender(), Sender()
    began = loop.time()
    waiting = asyncio.create_task(reader.read(silent, _reservation()))
    arrived = asyncio.create_task(reader.read(prompt, _reservation()))
    prompt.message.set_result(b"here")
    assert await arrived == b"here"
    await asyncio.sleep(SECONDS / 2)
    second = asyncio.create_task(reader.read(later, _reservation()))
    with pytest.raises(CallRejected, match=BODY_TIMEOUT.code):
        await waiting
    first_end = loop.time()
    assert not second.done()
    with pytest.raises(CallRejected, match=BODY_TIMEOUT.code):
        await second
    assert first_end - began >= SECONDS * 0.9 and loop.time() - began >= SECONDS * 1.4


async def test_the_timer_restarts_after_an_idle_period() -> None:
    reader = MessageReader(SECONDS, SIZE)
    for _ in range(2):
        with pytest.raises(CallRejected, match=BODY_TIMEOUT.code):
            await reader.read(Sender(), _reservation())
        await asyncio.sleep(SECONDS * 1.5)


async def test_a_cancelled_call_is_not_reported_as_late() -> None:
    waiting = asyncio.create_task(MessageReader(SECONDS, SIZE).read(Sender(), _reservation()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_message_that_is_not_prompt_reserves_memory_or_is_rejected() -> None:
    reader, budget = MessageReader(2.0, SIZE), MemoryBudget(3 * SIZE)
    first, second, prompt = Sender(), Sender(), Sender()
    waiting = asyncio.create_task(reader.read(first, budget.reserve()))
    rejected = asyncio.create_task(reader.read(second, budget.reserve()))
    arrived = asyncio.create_task(reader.read(prompt, budget.reserve()))
    prompt.message.set_result(b"here")
    assert await arrived == b"here" and budget.taken == 0
    with pytest.raises(Overloaded):
        await rejected
    assert budget.taken == 2 * SIZE
    first.message.set_result(b"late")
    assert await waiting == b"late"
