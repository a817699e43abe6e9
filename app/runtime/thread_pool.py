"""A bounded thread pool: calls that take long run off the event loop, a bounded number at a time."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from app.errors import Overloaded
from app.runtime.lane import Lane

SIZE = 2
"""Number of threads, unless a setting says otherwise."""
QUEUE = 16
"""Maximum number of waiting calls, unless a setting says otherwise."""
NICENESS = 15
"""Niceness of the pool's threads: a thirtieth of the event loop's weight, so that plain predictions hardly wait for a
core. Under a saturating load of plain predictions, an explained prediction still takes less than half a second."""

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")


class BoundedThreadPool:
    """A thread pool with a bounded first-in, first-out queue.

    Only calls that take longer than a millisecond run here. A plain prediction runs in the event loop, in less time
    than it takes to queue it. The queue is short: an accepted call is answered soon, and a rejected caller learns it
    at once. On a busy core the threads leave the event loop the larger share. Calls that may take a second, such as
    batches, never hold the last thread.
    """

    def __init__(self, size: int = SIZE, queue: int = QUEUE, computes: bool = True) -> None:
        """Initialize the bounded thread pool.

        Args:
            size: Maximum number of calls that run at once.
            queue: Maximum number of calls that wait in the queue.
            computes: Whether the calls compute, so that their threads get a lower priority; otherwise the calls wait
                for another machine.
        """
        self._size, self._capacity = size, size + queue
        self._threads = ThreadPoolExecutor(size, "slow", _lower_priority if computes else None)
        self._lane = Lane(self._threads, max(size - 1, 1))
        self.taken = 0
        """Number of calls that run or wait."""

    @property
    def busy(self) -> bool:
        """Whether the calls need every thread."""
        return self.taken >= self._size

    @property
    def full(self) -> bool:
        """Whether the next call would be rejected."""
        return self.taken >= self._capacity

    def run_spare(self, work: Callable[[], object]) -> bool:
        """Run a function beside the calls if a thread is free, and forget its result. May be called from any thread.

        Such work is not counted as a call: no call is rejected because of it.

        Args:
            work: The function, which raises nothing.

        Returns:
            Whether it will run; False if the calls need every thread.
        """
        if self.busy:
            return False
        try:
            self._threads.submit(work)
        except RuntimeError:  # the pool has been stopped
            return False
        return True

    async def run(self, work: Callable[[ArgumentT], ResultT], argument: ArgumentT, is_long: bool = False) -> ResultT:
        """Run a function in the pool.

        Args:
            work: The function, which must be thread-safe.
            argument: Argument of the function.
            is_long: Whether it may take as long as many others. All such calls leave one thread, if there are several,
                to the others.

        Returns:
            The result of the function.

        Raises:
            Overloaded: If the queue is full.
        """
        if self.full:
            raise Overloaded
        within_context = copy_context().run  # the work sees the caller's trace
        if is_long:
            future = self._lane.submit(partial(within_context, work, argument))
        else:
            future = self._threads.submit(within_context, work, argument)
        self.taken += 1
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wrap_future(future)
        finally:
            if future.done():
                self.taken -= 1
            else:  # the caller has gone, and the work goes on
                future.add_done_callback(lambda _: self._release(loop))
            # its exception refers to this frame: in a cycle, both would hold the argument until garbage is collected
            del future, work, argument

    def _release(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._decrement)

    def _decrement(self) -> None:
        self.taken -= 1

    def start(self) -> None:
        """See `app.lifecycle.Component`; the threads start on demand."""

    def stop(self) -> None:
        """Cancel the waiting calls; the running calls end by themselves."""
        self._lane.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    if sys.platform != "linux":  # only Linux has a niceness per thread
        return
    with suppress(OSError):  # a sandbox may forbid it; the pool works all the same
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
