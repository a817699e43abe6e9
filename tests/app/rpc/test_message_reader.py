"""The message reader: each read has its own time limit, with one timer for all."""

import asyncio

import pytest

from app.rpc.message_reader import MessageReader

pytestmark = pytest.mark.anyio
SECONDS = 0.1


class Sender:
    """A client whose message arrives at a time that the test sets."""

    def __init__(self) -> None:
        self.message: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        """See `grpc.aio.ServicerContext.read`."""
        return await self.message


async def test_each_read_has_its_own_time_limit() -> None:
    reader, loop = MessageReader(SECONDS), asyncio.get_running_loop()
    silent, prompt, later = Sender(), Sender(), Sender()
    began = loop.time()
    waiting = asyncio.create_task(reader.read(silent))
    arrived = asyncio.create_task(reader.read(prompt))
    prompt.message.set_result(b"here")
    assert await arrived == b"here"
    await asyncio.sleep(SECONDS / 2)
    second = asyncio.create_task(reader.read(later))
    with pytest.raises(TimeoutError):
        await waiting
    first_end = loop.time()
    assert not second.done()
    with pytest.raises(TimeoutError):
        await second
    assert first_end - began >= SECONDS * 0.9 and loop.time() - began >= SECONDS * 1.4


async def test_the_timer_restarts_after_an_idle_period() -> None:
    reader = MessageReader(SECONDS)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await reader.read(Sender())
        await asyncio.sleep(SECONDS * 1.5)


async def test_a_cancelled_call_is_not_reported_as_late() -> None:
    waiting = asyncio.create_task(MessageReader(SECONDS).read(Sender()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
