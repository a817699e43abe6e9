"""What the function's runtime tells of a call: how much time is left."""

from typing import Protocol


class Context(Protocol):
    """The runtime's second argument."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the call is cut."""


class EventError(Exception):
    """The event is none that this handler is for; the message holds nothing of it."""


def seconds_left(context: Context, reserve: float) -> float:
    """Seconds that work may still take.

    Args:
        context: The runtime's.
        reserve: Seconds that are kept to tell how it ended.
    """
    return context.get_remaining_time_in_millis() / 1000 - reserve
