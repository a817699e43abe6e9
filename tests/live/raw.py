"""HTTP/1.1 requests that a library would not send, and connections that stay open."""

import json
import re
import socket
import time
from collections.abc import Callable

from tests.known import BEER, KEY

PATIENCE = 20.0
BODY = json.dumps(BEER).encode()
HEAD = b"Host: beer\r\nX-API-Key: " + KEY.encode() + b"\r\n"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def post(
    more: bytes = b"", body: bytes = BODY, *, length: bool = True, target: bytes = b"/predict", version: bytes = b"1.1"
) -> bytes:
    """Encode a POST request, by default to /predict.

    Args:
        more: Additional header lines.
        body: The body.
        length: Whether to send Content-Length.
        target: The request target.
        version: The protocol version.
    """
    counted = b"Content-Length: %d\r\n" % len(body) if length else b""
    return b"POST " + target + b" HTTP/" + version + b"\r\n" + HEAD + more + counted + b"\r\n" + body


def connect(port: int) -> socket.socket:
    """Open a connection to a port of this machine."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def read_until(connection: socket.socket, enough: Callable[[bytes], bool] = lambda data: False) -> bytes:
    """Read until the received bytes are enough or the server closes the connection. A reset counts as closing.

    Raises:
        TimeoutError: If neither happens in time.
    """
    received = b""
    deadline = time.monotonic() + PATIENCE
    while not enough(received):
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            break
        if not data:
            break
        received += data
    return received


def statuses(received: bytes) -> list[int]:
    """Return the statuses of all responses in these bytes."""
    return [int(status) for status in _STATUS.findall(received)]


def send_and_read(port: int, data: bytes) -> bytes:
    """Send bytes, shut down the sending side, and read until the server closes the connection."""
    with connect(port) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has closed the connection
        return read_until(connection)
