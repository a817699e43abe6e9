"""Micro-batching: requests that arrive in the same turn of the event loop are answered together.

One call of the model costs as much as ten rows in it, so a call with the rows of several requests saves time. No
request waits for others: the turn ends when everything that has arrived is read.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import chain
from typing import Any

from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.calls import current_calls, join_calls
from app.telemetry.ids import current_requests, enter_requests

RunMany = Callable[[Sequence[Any]], Sequence[Any]]
"""Returns an answer or an exception for each request, in their order."""


class MicroBatcher:
    """Makes one call for all requests of a turn."""

    def __init__(self, run_many: RunMany) -> None:
        """Create the batcher.

        Args:
            run_many: Answers several requests.
        """
        self._run_many = run_many
        self._pending: list[tuple[Any, asyncio.Future[Any]]] = []

    async def answer(self, request: Any) -> Any:
        """Return the answer to a request, at the end of the turn.

        Raises:
            Exception: If `run_many` returned or raised it for the request.
        """
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._pending:
            loop.call_soon(self._end_turn)
        self._pending.append((request, future))
        return await future

    def _end_turn(self) -> None:
        batch, self._pending = self._pending, []
        self._resolve(batch, self._answers([request for request, _ in batch]))

    @staticmethod
    def _resolve(batch: Sequence[tuple[Any, asyncio.Future[Any]]], answers: Sequence[Any]) -> None:
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # the request was cancelled
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def _answers(self, requests: list[Any]) -> Sequence[Any]:
        try:
            return self._run_many(requests)
        except Exception as error:
            if len(requests) == 1:
                return [error]
        return [self._answers([request])[0] for request in requests]  # only the request that fails gets the error


class RemoteMicroBatcher(MicroBatcher):
    """Makes one call to a model server for all requests of a turn, in the thread pool."""

    def __init__(self, run_many: RunMany, thread_pool: BoundedThreadPool) -> None:
        """Create the batcher.

        Args:
            run_many: Answers several requests; it must be thread-safe.
            thread_pool: Runs the calls.
        """
        super().__init__(run_many)
        self._thread_pool = thread_pool
        self._tasks: set[asyncio.Task[None]] = set()

    def _end_turn(self) -> None:
        batch, self._pending = self._pending, []
        call = asyncio.get_running_loop().create_task(self._call(batch))
        self._tasks.add(call)  # the event loop keeps only weak references to tasks
        call.add_done_callback(self._tasks.discard)

    async def _call(self, batch: Sequence[tuple[Any, asyncio.Future[Any]]]) -> None:
        requests = [request for request, _ in batch]
        try:
            answers = await self._thread_pool.run(self._answers, requests)
        except Exception as error:  # each request gets the error, whatever it is
            answers = [error] * len(batch)
        self._resolve(batch, answers)


class NamingBatcher:
    """Has a batcher answer requests, and says whose they are where they are answered.

    See `app.telemetry.ids` and `app.telemetry.calls`.
    """

    def __init__(self, run_many: RunMany, make: Callable[[RunMany], MicroBatcher]) -> None:
        """Create the batcher.

        Args:
            run_many: Answers several requests.
            make: Makes the batcher that joins them.
        """
        self._run_many = run_many
        self._answer = make(self._run_named).answer

    def answer(self, request: Any) -> Coroutine[Any, Any, Any]:
        """Return the answer to a request; see `MicroBatcher.answer`."""
        return self._answer((current_requests(), current_calls(), request))

    def _run_named(self, named: Sequence[Any]) -> Sequence[Any]:
        """Answer requests in a context of their own: the turn's end has that of the first request."""
        if len(named) > 1:
            ids, calls, requests = zip(*named, strict=True)
            enter_requests(ids)
            join_calls(tuple(chain.from_iterable(calls)))
            return self._run_many(requests)
        request_id, own, request = named[0]
        if request_id:
            enter_requests((request_id,))
        if own is not current_calls():
            join_calls(own)
        return self._run_many((request,))
