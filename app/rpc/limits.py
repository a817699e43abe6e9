"""Limits on what the calls of a process hold, shared by all services."""

from dataclasses import dataclass
from typing import Self

from app.rpc.message_reader import MessageReader
from app.rpc.open_calls import OpenCalls
from app.runtime.memory_budget import MemoryBudget
from app.telemetry.metrics import Registry

_KEYLESS_SHARE = 4
"""The part of the largest message, one in so many, that a call without a key may send to a public model."""


@dataclass(frozen=True)
class CallLimits:
    """Limits on what the calls of a process hold."""

    reader: MessageReader
    """Receives messages with limits."""
    open_calls: OpenCalls
    """Counts the calls until their response is sent."""
    memory_budget: MemoryBudget
    """Limits what calls in progress hold together."""
    keyless_message_bytes: int
    """Maximum size of a message without a key."""

    @classmethod
    def build(
        cls,
        memory_budget: MemoryBudget | None = None,
        metrics: Registry | None = None,
        *,
        seconds: float = 15.0,
        message_bytes: int = 4 * 1024**2,
    ) -> Self:
        """Build the limits.

        Args:
            memory_budget: Limits what calls in progress hold together; by default one of its own.
            metrics: Registry of the metrics; by default one of its own.
            seconds: Maximum time in which a message arrives, and in which a client takes a response.
            message_bytes: Maximum size of a message in bytes.
        """
        return cls(
            MessageReader(seconds, message_bytes),
            OpenCalls(seconds, metrics or Registry()),
            memory_budget or MemoryBudget(),
            message_bytes // _KEYLESS_SHARE,
        )
