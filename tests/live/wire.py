"""Requests and answers as bytes on a socket, where an HTTP library would refuse to send them."""

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
    """Bytes that the kernel may take, at both ends of a connection, without the server having read them."""
    limits = [Path(f"/proc/sys/net/ipv4/tcp_{way}mem") for way in "rw"]
    return sum(int(limit.read_text().split()[2]) if limit.exists() else 16_000_000 for limit in limits)


@dataclass(frozen=True)
class Answer:
    """An answer as it came."""

    raw: bytes
    """Every byte."""
    sent: int
    """Bytes of the request that the kernel took before the server had enough."""
    seconds: float
    """From the first byte sent to the end of the answer."""
    first: float
    """... and to its first byte."""

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """What follows the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        """The status code; 0 where the connection was closed without an answer."""
        return int(self.raw[9:12] or 0)

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """A header's value, or None."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None

    @property
    def constant(self) -> bytes:
        """Every byte, but for the two headers that differ from answer to answer."""
        head = [x for x in self.head.split(b"\r\n") if not x.lower().startswith((b"date:", b"x-request-id:"))]
        return b"\r\n".join(head) + b"\r\n\r\n" + self.body


def request(
    method: str, path: str, headers: Iterable[tuple[str, str | bytes]] = (), body: bytes | None = None
) -> bytes:
    """A request that asks for the connection to be closed; Content-Length is added where there is a body.

    Args:
        method: Any word.
        path: The target.
        headers: Names and values; text is sent as UTF-8.
        body: None leaves Content-Length out.
    """
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: beer", b"Connection: close"]
    lines += [name.encode() + b": " + (v.encode() if isinstance(v, str) else v) for name, v in headers]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunked(pieces: Iterable[bytes]) -> Iterable[bytes]:
    """A chunked body of these pieces, its end included."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def exchange(port: int, *pieces: bytes) -> Answer:
    """Send on a new connection while listening, as a browser does, until the server closes it or the answer is whole.

    Args:
        port: On this machine.
        pieces: What to send.

    Returns:
        The answer; what the server did not take is not an error.
    """
    started = time.monotonic()
    deadline = started + PATIENCE
    rest = iter(pieces)
    received, sent, first = bytearray(), 0, 0.0
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.setblocking(False)
        pending = memoryview(b"")
        sending = True
        while time.monotonic() < deadline:
            if sending and not pending:
                following = next(rest, None)
                sending = following is not None
                pending = memoryview(following or b"")
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
                    taken = connection.send(pending[:_PIECE])
                except (BrokenPipeError, ConnectionResetError):
                    sending = False
                else:
                    sent += taken
                    pending = pending[taken:]
        else:
            raise AssertionError(f"the server neither answered nor hung up in {PATIENCE} s: {bytes(received)!r}")
    return Answer(bytes(received), sent, time.monotonic() - started, first)
