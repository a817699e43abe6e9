"""MicroBatcher: requests that arrive in one turn of the event loop are answered together.

A call of the model costs as much as ten rows of it, and each step of a request finds the core's caches cold after the
steps before: done for all requests that are there, it costs a part of that. Nobody waits for others to come: the turn
ends as soon as everything that has arrived has been read.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from app.runtime.thread_pool import BoundedThreadPool


class MicroBatcher:
    """Asks one question for all that ask in a turn."""

    def __init__(self, ask: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        """Initialize the micro batcher.

        Args:
            ask: Questions to answers or exceptions, in their order.
        """
        self._ask = ask
        self._asked: list[tuple[Any, asyncio.Future[Any]]] = []

    async def answer(self, question: Any) -> Any:
        """The answer to a question, at the end of the turn.

        Raises:
            Exception: What was found in place of an answer.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._asked:
            loop.call_soon(self._end_turn)
        self._asked.append((question, future))
        return await future

    def _end_turn(self) -> None:
        asked, self._asked = self._asked, []
        self._tell(asked, self._answers([question for question, _ in asked]))

    @staticmethod
    def _tell(asked: Sequence[tuple[Any, asyncio.Future[Any]]], answers: Sequence[Any]) -> None:
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():  # cancelled: nobody waits any more
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _answers(self, questions: list[Any]) -> Sequence[Any]:
        try:
            return self._ask(questions)
        except Exception as error:
            if len(questions) == 1:
                return [error]
        return [self._answers([question])[0] for question in questions]  # one's fault stays its own


class RemoteMicroBatcher(MicroBatcher):
    """The same where another machine answers: one call for all of a turn, which the event loop does not wait for."""

    def __init__(self, ask: Callable[[Sequence[Any]], Sequence[Any]], thread_pool: BoundedThreadPool) -> None:
        """Initialize the remote micro batcher.

        Args:
            ask: See `MicroBatcher`; safe to call from several threads at once.
            thread_pool: Runs it.
        """
        super().__init__(ask)
        self._thread_pool = thread_pool
        self._calls: set[asyncio.Task[None]] = set()

    def _end_turn(self) -> None:
        asked, self._asked = self._asked, []
        call = asyncio.get_running_loop().create_task(self._call(asked))
        self._calls.add(call)  # the loop keeps none that waits
        call.add_done_callback(self._calls.discard)

    async def _call(self, asked: Sequence[tuple[Any, asyncio.Future[Any]]]) -> None:
        questions = [question for question, _ in asked]
        try:
            answers = await self._thread_pool.run(self._answers, questions)
        except Exception as error:  # whatever it is, somebody waits
            answers = [error] * len(asked)
        self._tell(asked, answers)
