"""MessageReader: who waits too long for a message is told so, and nobody else."""

import asyncio

import pytest

from app.rpc.message_reader import MessageReader

pytestmark = pytest.mark.anyio
SECONDS = 0.1


class Sender:
    """Somebody whose message comes when the test says so."""

    def __init__(self) -> None:
        self.message: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        """As `grpc.aio.ServicerContext` has it."""
        return await self.message


async def test_each_has_its_own_time_and_who_has_come_is_left_alone() -> None:
    arrivals, loop = MessageReader(SECONDS), asyncio.get_running_loop()
    silent, prompt, later = Sender(), Sender(), Sender()
    began = loop.time()
    waits = asyncio.create_task(arrivals.read(silent))
    arrived = asyncio.create_task(arrivals.read(prompt))
    prompt.message.set_result(b"here")
    assert await arrived == b"here"
    await asyncio.sleep(SECONDS / 2)
    second = asyncio.create_task(arrivals.read(later))
    with pytest.raises(TimeoutError):
        await waits
    first_end = loop.time()
    assert not second.done()
    with pytest.raises(TimeoutError):
        await second
    assert first_end - began >= SECONDS * 0.9 and loop.time() - began >= SECONDS * 1.4


async def test_it_tells_the_time_again_after_nobody_has_waited() -> None:
    arrivals = MessageReader(SECONDS)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await arrivals.read(Sender())
        await asyncio.sleep(SECONDS * 1.5)


async def test_a_call_that_ends_meanwhile_is_cancelled_and_not_late() -> None:
    waits = asyncio.create_task(MessageReader(SECONDS).read(Sender()))
    await asyncio.sleep(0)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
