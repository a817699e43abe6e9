"""The outbox: what is written to a connection in one turn of the event loop goes out together, at the turn's end.

uvicorn writes head and body of an answer apart, and uvloop sends each at once: two system calls an answer, amid the
work on other requests, and the client woken for half an answer. Sent at the end of the turn it is one call an answer,
and the answers of all connections follow one another.
"""

import asyncio
from typing import Any

MOST_HELD = 65_536
"""Bytes above which what is held goes out at once, so that the transport can tell a fast writer to wait."""


class CoalescingTransport:
    """A transport that holds what is written until the end of the loop's turn; all else is the transport's."""

    __slots__ = ("_held", "_loop", "_size", "_transport", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Initialize the coalescing transport.

        Args:
            transport: Takes what is written.
            loop: Whose turns count.
        """
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Hold data until the turn's end."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > MOST_HELD:
            self._flush()

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
