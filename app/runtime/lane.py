"""A lane of a thread pool: calls that take long use a part of its threads, so that others always find one."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Lock
from typing import Any, Generic, TypeVar

ResultT = TypeVar("ResultT")


class Lane:
    """Runs a bounded number of calls at once in an executor; the others wait here, first in, first out."""

    def __init__(self, threads: Executor, width: int) -> None:
        """Initialize the lane.

        Args:
            threads: Runs the calls.
            width: Maximum number of calls that run at once.
        """
        self._threads = threads
        self._free = width
        self._waiting: deque[_Call[Any]] = deque()
        self._lock = Lock()

    def submit(self, work: Callable[[], ResultT]) -> "Future[ResultT]":
        """Run a function once the lane is free. May be called from any thread.

        Args:
            work: The function.

        Returns:
            Its result. A function that waits can still be cancelled.
        """
        future: Future[ResultT] = Future()
        with self._lock:
            self._waiting.append(_Call(work, future))
        self._start()
        return future

    def stop(self) -> None:
        """Cancel the waiting calls."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            call.cancel()

    def _start(self) -> None:
        """Start the next call if the lane is free."""
        with self._lock:
            if not self._free or not self._waiting:
                return
            call = self._waiting.popleft()
            self._free -= 1
        try:
            started = self._threads.submit(call.run)
        except RuntimeError:  # the pool has been stopped
            self._end(call)
        else:
            started.add_done_callback(lambda _: self._end(call))

    def _end(self, call: "_Call[Any]") -> None:
        call.cancel()  # does nothing unless the pool was stopped before the call started
        with self._lock:
            self._free += 1
        self._start()


class _Call(Generic[ResultT]):
    """A call and its result, which it lets go of when it has run."""

    def __init__(self, work: Callable[[], ResultT], future: "Future[ResultT]") -> None:
        self._both: tuple[Callable[[], ResultT], Future[ResultT]] | None = work, future

    def cancel(self) -> None:
        """Cancel the call if it has not started."""
        if self._both is not None:
            self._both[1].cancel()

    def run(self) -> None:
        """Run the function, unless the call was cancelled."""
        if self._both is None:
            return
        work, future = self._both
        self._both = None  # an error's frames refer to this call: in a cycle, both would hold what the work holds
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        finally:
            del work, future
