"""Gathering: requests that arrive in one turn of the event loop are answered together.

A call of the model costs as much as ten rows of it, and each step of a request finds the core's caches cold after the
steps before: done for all requests that are there, it costs a part of that. Nobody waits for others to come: the turn
ends as soon as everything that has arrived has been read.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any


class Gathering:
    """Asks one question for all that ask in a turn."""

    def __init__(self, ask: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        """Args:
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
        for (_, future), answer in zip(asked, self._answers([question for question, _ in asked]), strict=True):
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
