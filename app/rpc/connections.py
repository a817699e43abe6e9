"""Closes connections of gRPC clients, which the library cannot close one by one."""

import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

_OPEN_FILES = Path("/proc/self/fd")


def address_of(peer: str) -> str | None:
    """Return the address in ``ipv4:127.0.0.1:1234`` or ``ipv6:%5B::1%5D:1234``.

    Args:
        peer: As returned by `grpc.ServicerContext.peer`.
    """
    parts = _parts(peer)
    return parts[0] if parts else None


def hang_up(peers: set[str]) -> int:
    """Shut down the connections of peers; their calls end then. Works where the system has ``/proc``.

    Args:
        peers: As returned by `grpc.ServicerContext.peer`.

    Returns:
        The number of connections that were shut down.
    """
    wanted = {parts for parts in map(_parts, peers) if parts}
    closed = 0
    with suppress(OSError):
        for number in os.listdir(_OPEN_FILES):
            with suppress(OSError, ValueError):
                closed += _shut_down(int(number), wanted)
    return closed


def _shut_down(descriptor: int, wanted: set[tuple[str, int]]) -> bool:
    # The duplicate keeps meaning the same connection, even if the descriptor is closed and used again meanwhile.
    copy = os.dup(descriptor)
    try:
        connection = socket.socket(fileno=copy)
    except OSError:  # not a socket
        os.close(copy)
        return False
    with connection:
        address, port = connection.getpeername()[:2]
        if (address.removeprefix("::ffff:"), port) not in wanted:
            return False
        connection.shutdown(socket.SHUT_RDWR)
        return True


def _parts(peer: str) -> tuple[str, int] | None:
    kind, _, rest = peer.partition(":")
    address, _, port = unquote(rest).rpartition(":")
    if kind not in ("ipv4", "ipv6") or not port.isdecimal():
        return None
    return address.strip("[]").removeprefix("::ffff:"), int(port)
