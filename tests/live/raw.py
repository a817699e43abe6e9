"""Requests that an HTTP library would not send, and connections that are held open."""

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
    """POST /predict, byte for byte.

    Args:
        more: Header lines.
        body: The body.
        length: Whether Content-Length is sent.
        target: The request's target.
        version: The protocol's.
    """
    counted = b"Content-Length: %d\r\n" % len(body) if length else b""
    return b"POST " + target + b" HTTP/" + version + b"\r\n" + HEAD + more + counted + b"\r\n" + body


def connect(port: int) -> socket.socket:
    """A connection to this machine."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def read_until(connection: socket.socket, enough: Callable[[bytes], bool] = lambda data: False) -> bytes:
    """What arrives until that is enough, or until the other side closes; a reset counts as closing.

    Raises:
        TimeoutError: Neither happens.
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
    """The status of each answer among these bytes."""
    return [int(found) for found in _STATUS.findall(received)]


def send_and_read(port: int, data: bytes) -> bytes:
    """Send, then end the sending side: what comes back until the server closes."""
    with connect(port) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it had heard enough
        return read_until(connection)
