"""Sockets: the listening ports, and the number of connections that the process may hold."""

import socket
import sys
from typing import NamedTuple

from app.serving.limits import BACKLOG

if sys.platform != "win32":
    import resource

MAX_OPEN_FILES = 4096
"""Maximum number of open files of a process that serves."""


def listen(host: str, port: int) -> socket.socket:
    """Open a port. From now on the kernel accepts connections and queues them.

    Args:
        host: Name or address; the first address of a name is used.
        port: Port number; 0 picks a free one.

    Returns:
        The listening socket. Workers share it: whichever is free takes the next connection, and a worker that dies or
        leaves loses none of those that wait, as it would with a socket of its own (SO_REUSEPORT).

    Raises:
        OSError: The address does not belong to this machine, or is in use.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listening = socket.socket(family, kind)
    try:
        if sys.platform == "win32":  # where SO_REUSEADDR lets two programs take the same port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


class ReservedPort(NamedTuple):
    """A port that a server is about to open itself."""

    address: str
    """Host and port in the form of a URL."""
    socket: socket.socket | None
    """Holds the port until it is closed; None on Windows, where that would keep the server from it."""


def reserve(host: str, port: int) -> ReservedPort:
    """Reserve a port for a server that opens it itself, once or several times (SO_REUSEPORT).

    Args:
        host: See `listen`.
        port: Port number; 0 picks a free one.

    Returns:
        The port, which accepts no connection.

    Raises:
        OSError: The address does not belong to this machine, or is in use, even by a server that would share it.
    """
    with listen(host, port) as exclusive:
        family, address, text = exclusive.family, exclusive.getsockname(), address_of(exclusive)
    if sys.platform == "win32":
        return ReservedPort(text, None)
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(address)
    except OSError:
        reserved.close()
        raise
    return ReservedPort(text, reserved)


def address_of(listening: socket.socket) -> str:
    """Host and port of a socket in the form of a URL."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def limit_process() -> None:
    """Set the process's limit of open files, nearly all of them connections, and write no core dumps: they hold keys.

    4,096 connections with 15 KB of unfinished headers take 82 MB. A lower limit of the system holds. Windows has
    neither of these limits; see `app.serving.acceptor`.
    """
    if sys.platform == "win32":
        return
    _, maximum = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MAX_OPEN_FILES, maximum), maximum))
    _, maximum = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, maximum))
