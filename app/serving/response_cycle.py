"""The exchange: a request and its answer as uvicorn has them, with the answer's head written in one pass.

uvicorn takes each header of an answer apart with two regular expressions. Here the whole head is looked at once: what
no header may do is break its line.
"""

from math import inf
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from app.rest.body import MOST_DROPPED

_CLOSE = b"connection: close\r\n"


class ResponseCycle(RequestResponseCycle):
    """uvicorn's cycle; answers of a length that is told take the short way."""

    most_dropped: float = MOST_DROPPED
    """Bytes of a body that may come after the answer, until the connection is closed."""

    async def send(self, message: Any) -> None:
        """ASGI."""
        if self.response_started or self.disconnected or self.flow.write_paused or not self._open(message):
            await super().send(message)

    def answer_at_once(self, start: Any, body: bytes) -> None:
        """Write a whole answer of a length that is told, though the application does not run.

        The request's body is dropped to its end: who decides on the head has seen that it is not too long.

        Args:
            start: ASGI's message that opens it.
            body: Its body.
        """
        self.most_dropped = inf
        self._open(start)
        self.transport.write(body)
        self.response_complete = True
        self.on_response()

    def _open(self, message: Any) -> bool:
        """Write the head, if it is a plain one.

        Raises:
            RuntimeError: A header breaks its line.
        """
        if message["type"] != "http.response.start":
            return False
        length = None
        lines = [STATUS_LINE[message["status"]]]
        headers = [*self.default_headers, *message.get("headers", ())]
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding" or name == b"connection":
                return False
            lines += (name, b": ", value, b"\r\n")
        if length is None:
            return False
        if not self.keep_alive:
            lines.append(_CLOSE)
        lines.append(b"\r\n")
        head = b"".join(lines)
        ends = len(headers) + (2 if self.keep_alive else 3)
        if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
            raise RuntimeError("a header of the answer breaks its line")
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        self.transport.write(head)
        return True
