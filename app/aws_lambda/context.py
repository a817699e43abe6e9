"""The context of an invocation, and the time left."""

from typing import Protocol


class Context(Protocol):
    """The context object of the Lambda runtime."""

    function_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation times out."""


class EventError(Exception):
    """The event is not supported by the handler. The message contains no data of the event."""


def seconds_left(context: Context, reserve: float) -> float:
    """Return the seconds left for work.

    Args:
        context: The context of the invocation.
        reserve: Seconds reserved for reporting the result.
    """
    return context.get_remaining_time_in_millis() / 1000 - reserve
