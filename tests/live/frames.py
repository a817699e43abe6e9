"""HTTP/2 frames that a library would not send, for the gRPC port."""

import socket
import struct
from collections.abc import Sequence

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4
PATIENCE = 20.0


def frame(kind: int, flags: int, stream: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """Encode an HTTP/2 frame. A length that is given replaces the true one."""
    declared = len(payload) if length is None else length
    return struct.pack(">I", declared)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def block(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Encode a header block of literals only, without the dynamic table and without Huffman coding."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, more = len(text) - 127, b""
    while rest >= 128:
        more += bytes([rest % 128 | 128])
        rest //= 128
    return b"\x7f" + more + bytes([rest]) + text


def call(path: bytes, *more: tuple[bytes, bytes], content: bytes = b"application/grpc") -> bytes:
    """Encode the header block of a gRPC call."""
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"beer")]
    return block([*fields, (b"content-type", content), (b"te", b"trailers"), *more])


def message(data: bytes, compressed: int = 0, length: int | None = None) -> bytes:
    """Encode a gRPC message with its prefix. A length that is given replaces the true one."""
    return bytes([compressed]) + struct.pack(">I", len(data) if length is None else length) + data


def send_and_read(address: str, data: bytes, until: bytes = b"") -> bytes:
    """Send bytes on a new connection and read the response.

    Args:
        address: Host and port.
        data: The bytes to send.
        until: Reading stops after these bytes. Without them the sending side is shut down, and reading stops when the
            server closes the connection.
    """
    host, _, port = address.partition(":")
    received = b""
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        try:
            connection.sendall(data)
            if not until:
                connection.shutdown(socket.SHUT_WR)
            while not (until and until in received) and (more := connection.recv(65536)):
                received += more
        except TimeoutError:
            raise
        except OSError:  # the server has closed the connection
            pass
    return received
