"""BoundedThreadPool: what takes long runs beside the event loop, so much of it at once and no more."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

from app.errors import Overloaded

MAX_IN_WORK = 2
MAX_WAITING = 16
STEP_BACK = 15
"""Niceness of the pool's threads: a thirtieth of the event loop's weight, so that plain predictions hardly wait for a
core. Beside saturating plain ones, explained predictions still take less than half a second."""

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")


class BoundedThreadPool:
    """A bounded pool of threads with a bounded queue, first come, first served.

    Only what takes longer than a millisecond comes here. A plain prediction is done in the event loop in less time
    than it takes to queue it: it is never waiting, and never more than one is in work. The queue is short, so that
    whoever is taken is answered soon and whoever is not learns it at once; that is why it need not be last come, first
    served to stay useful under overload. Where a core is short, the threads leave the event loop the larger part.
    """

    def __init__(self, in_work: int = MAX_IN_WORK, waiting: int = MAX_WAITING, computes: bool = True) -> None:
        """Initialize the bounded thread pool.

        Args:
            in_work: Most requests in work at once.
            waiting: Most requests that wait beside them, their bodies complete.
            computes: Whether what takes long computes, and is to step back; else it waits for another machine.
        """
        self.in_work = in_work
        """Most that the pool does at once."""
        self._most = in_work + waiting
        self._threads = ThreadPoolExecutor(in_work, "slow", _step_back if computes else None)
        self.taken = 0
        """Requests in work and waiting."""

    @property
    def full(self) -> bool:
        """Whether one more would be refused."""
        return self.taken >= self._most

    async def run(self, work: Callable[[ArgumentT], ResultT], argument: ArgumentT) -> ResultT:
        """Run a function in the pool.

        Args:
            work: Safe to call from several threads at once.
            argument: Its argument.

        Returns:
            What it returns.

        Raises:
            Overloaded: As many are in work and waiting as may be.
        """
        if self.full:
            raise Overloaded
        self.taken += 1
        try:
            within_context = copy_context().run  # the work sees the caller's trace
            return await asyncio.get_running_loop().run_in_executor(self._threads, within_context, work, argument)
        finally:
            self.taken -= 1

    def close(self) -> None:
        """Drop what waits; what is in work ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _step_back() -> None:
    if sys.platform != "linux":  # only there each thread has a niceness of its own
        return
    with suppress(OSError):  # where a sandbox forbids it, the pool must work all the same
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + STEP_BACK)
