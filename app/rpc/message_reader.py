"""MessageReader: how long a call's message may take to come; one clock for all that are waited for."""

import asyncio
from typing import Any


class MessageReader:
    """Ends the wait for messages that do not come. A clock of its own for each would cost a small call a twentieth."""

    def __init__(self, seconds: float) -> None:
        """Initialize the message reader.

        Args:
            seconds: Most that a message is waited for.
        """
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        """When the wait began, by who waits, the longest first."""
        self._is_running = False

    async def read(self, context: Any) -> Any:
        """What `grpc.aio.ServicerContext.read` gives.

        Raises:
            TimeoutError: Nothing has come in time.
        """
        loop = asyncio.get_running_loop()
        task: Any = asyncio.current_task()
        self._since[task] = loop.time()
        if not self._is_running:
            self._is_running = True
            loop.call_later(self._seconds, self._look)
        try:
            return await context.read()
        except asyncio.CancelledError:
            if task not in self._since and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            self._since.pop(task, None)

    def _look(self) -> None:
        """End what is late, and look again when the next may be."""
        loop = asyncio.get_running_loop()
        latest = loop.time() - self._seconds
        for task in [task for task, since in self._since.items() if since <= latest]:
            del self._since[task]
            task.cancel()
        self._is_running = bool(self._since)
        if self._is_running:
            loop.call_later(next(iter(self._since.values())) - latest, self._look)
