"""Write coalescing: what is written to a connection in one turn of the event loop is sent together, at its end.

uvicorn writes head and body of a response separately, and uvloop sends each write at once: two system calls per
response, in the middle of the work on other requests, and a client that wakes up for half a response. Sent at the end
of the turn, a response takes one call, and the responses of all connections follow one another.
"""

import asyncio
from typing import Any

MAX_HELD = 65_536
"""Bytes above which held data are sent at once, so that the transport can pause a fast writer."""


class CoalescingTransport:
    """A transport that holds written data until the end of the turn; everything else is the inner transport's."""

    __slots__ = ("_held", "_loop", "_size", "_transport", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Initialize the transport.

        Args:
            transport: The inner transport.
            loop: The event loop whose turns count.
        """
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Hold data until the end of the turn."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > MAX_HELD:
            if len(data) > MAX_HELD:  # written as it is: copied, each unread download would hold its own file
                self._held.pop()
                self._flush()
                self._size = 0
                self._send(data)
            else:
                self._flush()

    def close(self) -> None:
        """Send the held data, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._send(data)

    def _send(self, data: bytes) -> None:
        try:
            self._transport.write(data)
        except RuntimeError:  # uvloop has closed the connection in this turn
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
