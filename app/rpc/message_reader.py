"""A time limit for receiving the message of a call, with one timer for all calls."""

import asyncio
from typing import Any


class MessageReader:
    """Reads messages with a time limit. A timer per call would add 5 % to the cost of a small call."""

    def __init__(self, seconds: float) -> None:
        """Create a reader.

        Args:
            seconds: Maximum time to wait for a message.
        """
        self._seconds = seconds
        self._start_times: dict[asyncio.Task[Any], float] = {}
        """Start of the wait by waiting task, the oldest first."""
        self._timer_is_running = False

    async def read(self, context: Any) -> Any:
        """Read a message; see `grpc.aio.ServicerContext.read`.

        Raises:
            TimeoutError: If the message does not arrive in time.
        """
        loop = asyncio.get_running_loop()
        task: Any = asyncio.current_task()
        self._start_times[task] = loop.time()
        if not self._timer_is_running:
            self._timer_is_running = True
            loop.call_later(self._seconds, self._cancel_late_reads)
        try:
            return await context.read()
        except asyncio.CancelledError:
            if task not in self._start_times and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            self._start_times.pop(task, None)

    def _cancel_late_reads(self) -> None:
        """Cancel the reads that are late, and restart the timer for the next one."""
        loop = asyncio.get_running_loop()
        latest = loop.time() - self._seconds
        for task in [task for task, start in self._start_times.items() if start <= latest]:
            del self._start_times[task]
            task.cancel()
        self._timer_is_running = bool(self._start_times)
        if self._timer_is_running:
            loop.call_later(next(iter(self._start_times.values())) - latest, self._cancel_late_reads)
