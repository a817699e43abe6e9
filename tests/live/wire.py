"""Requests and responses as bytes on a socket, because an HTTP library would not send invalid requests."""

import json
import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0
_PIECE = 65536


def kernel_buffers() -> int:
    """Return how many bytes the kernel can buffer at both ends of a connection before the server reads them."""
    limits = [Path(f"/proc/sys/net/ipv4/tcp_{way}mem") for way in "rw"]
    return sum(int(limit.read_text().split()[2]) if limit.exists() else 16_000_000 for limit in limits)


@dataclass(frozen=True)
class Answer:
    """A response as received."""

    raw: bytes
    """All bytes of the response."""
    sent: int
    """Bytes of the request that the kernel accepted before the server stopped reading."""
    seconds: float
    """Seconds from the start of sending to the end of the response."""
    first: float
    """Seconds from the start of sending to the first byte of the response."""

    @property
    def head(self) -> bytes:
        """The status line and the headers."""
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """The bytes after the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        """The status code, or 0 if the connection was closed without a response."""
        return int(self.raw[9:12] or 0)

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Return the value of a header, or None."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None

    @property
    def constant(self) -> bytes:
        """The bytes of the response without the headers Date and X-Request-ID, which differ between responses."""
        head = [x for x in self.head.split(b"\r\n") if not x.lower().startswith((b"date:", b"x-request-id:"))]
        return b"\r\n".join(head) + b"\r\n\r\n" + self.body


def request(
    method: str, path: str, headers: Iterable[tuple[str, str | bytes]] = (), body: bytes | None = None
) -> bytes:
    """Encode a request with ``Connection: close``, and with Content-Length if there is a body.

    Args:
        method: The method, which may be invalid.
        path: The request target.
        headers: Names and values; text is sent as UTF-8.
        body: The body; without one there is no Content-Length.
    """
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: beer", b"Connection: close"]
    lines += [name.encode() + b": " + (v.encode() if isinstance(v, str) else v) for name, v in headers]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunked(pieces: Iterable[bytes]) -> Iterable[bytes]:
    """Encode pieces as a chunked body, including its end."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def exchange(port: int, *pieces: bytes, patience: float = PATIENCE) -> Answer:
    """Send a request on a new connection and read at the same time, as a browser does, until the server closes it.

    Args:
        port: The port of the program on this machine.
        pieces: The bytes to send.
        patience: Most seconds until the server closes it.

    Returns:
        The response. Bytes that the server does not read are not an error.
    """
    started = time.monotonic()
    deadline = started + patience
    unsent = iter(pieces)
    received, sent, first = bytearray(), 0, 0.0
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.setblocking(False)
        pending = memoryview(b"")
        sending = True
        while time.monotonic() < deadline:
            if sending and not pending:
                piece = next(unsent, None)
                sending = piece is not None
                pending = memoryview(piece or b"")
            readable, writable, _ = select.select([connection], [connection] if sending else [], [], 1.0)
            if readable:
                try:
                    data = connection.recv(_PIECE)
                except ConnectionResetError:
                    break
                if not data:
                    break
                first = first or time.monotonic() - started
                received += data
            if writable:
                try:
                    accepted = connection.send(pending[:_PIECE])
                except (BrokenPipeError, ConnectionResetError):
                    sending = False
                else:
                    sent += accepted
                    pending = pending[accepted:]
        else:
            raise AssertionError(f"the server did not close the connection within {patience} s: {bytes(received)!r}")
    return Answer(bytes(received), sent, time.monotonic() - started, first)
