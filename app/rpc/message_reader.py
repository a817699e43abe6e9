"""Limits the time and the memory of receiving the messages of calls, with one timer for all calls."""

import asyncio
from typing import Any

from app.errors import Overloaded, TooLarge
from app.problem_types import BODY_TIMEOUT
from app.rpc.status import CallRejected
from app.runtime.memory_budget import Reservation

_TICK = 0.02
"""Seconds between two looks at the calls that wait for their message."""
_PROMPT_TICKS = 2
"""Looks at a waiting call after which it reserves memory. A prompt message costs no reservation: gRPC receives at most
some ten megabytes in that time."""


class _Wait:
    """A call that waits for its message."""

    __slots__ = ("error", "reservation", "start", "ticks")

    def __init__(self, start: float, reservation: Reservation) -> None:
        self.start = start
        self.reservation = reservation
        self.ticks = 0
        self.error: Exception | None = None


class MessageReader:
    """Reads messages with limits. A timer per call would add 5 % to the cost of a small call.

    gRPC does not tell how much of a message it holds. A call whose message does not arrive promptly therefore reserves
    memory for the largest message, and for the copy of it that Python gets.
    """

    def __init__(self, seconds: float, message_bytes: int) -> None:
        """Create a reader.

        Args:
            seconds: Maximum time to wait for a message.
            message_bytes: Maximum size of a message in bytes.
        """
        self._seconds = seconds
        self._message_bytes = message_bytes
        self._waits: dict[asyncio.Task[Any], _Wait] = {}
        self._timer_is_running = False

    async def read(self, context: Any, reservation: Reservation) -> Any:
        """Read a message; see `grpc.aio.ServicerContext.read`.

        Args:
            context: Context of the call.
            reservation: Grows if the message does not arrive promptly.

        Raises:
            CallRejected: If the message does not arrive in time.
            Overloaded: If it does not arrive promptly, and other calls hold the memory for it.
            TooLarge: If it does not arrive promptly, and the memory budget is smaller than the largest message.
        """
        loop = asyncio.get_running_loop()
        task: Any = asyncio.current_task()
        wait = self._waits[task] = _Wait(loop.time(), reservation)
        if not self._timer_is_running:
            self._timer_is_running = True
            loop.call_later(_TICK, self._look, loop)
        try:
            return await context.read()
        except asyncio.CancelledError:
            if wait.error is not None and not task.uncancel():
                raise wait.error from None
            raise
        finally:
            del self._waits[task]

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the waiting calls reserve memory, end those that cannot and those that are late; restart the timer."""
        latest = loop.time() - self._seconds
        for task, wait in self._waits.items():
            wait.ticks += 1
            if wait.error is not None:
                continue
            if wait.start <= latest:
                wait.error = CallRejected(BODY_TIMEOUT)
            elif wait.ticks == _PROMPT_TICKS:
                try:
                    wait.reservation.grow(max(2 * self._message_bytes - wait.reservation.amount, 0))
                except (Overloaded, TooLarge) as error:
                    wait.error = error
            if wait.error is not None:
                task.cancel()
        self._timer_is_running = bool(self._waits)
        if self._timer_is_running:
            loop.call_later(_TICK, self._look, loop)
