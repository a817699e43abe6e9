"""Sockets: what the program listens on, and how many connections it may hold."""

import resource
import socket

from app.serving.limits import BACKLOG


def listen(host: str, port: int) -> socket.socket:
    """Open a port: from now on connections are completed by the kernel and wait to be taken.

    Args:
        host: Name or address; the first that it stands for is taken.
        port: 0 takes a free one.

    Returns:
        The listening socket. Workers share it: whichever is free takes the next connection, and a worker that dies or
        leaves takes none with it that it had not taken, as it would with a socket of its own (SO_REUSEPORT).

    Raises:
        OSError: The address is not ours, or is taken.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    opened = socket.socket(family, kind)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def reserve(host: str, port: int) -> socket.socket:
    """Keep a port for somebody who opens it himself, once or several times (SO_REUSEPORT).

    Args:
        host: See `listen`.
        port: 0 takes a free one.

    Returns:
        A socket that keeps it and takes no connection.

    Raises:
        OSError: The address is not ours, or somebody listens there, even one who would share it.
    """
    with listen(host, port) as alone:
        family, address = alone.family, alone.getsockname()
    kept = socket.socket(family, socket.SOCK_STREAM)
    try:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(address)
    except OSError:
        kept.close()
        raise
    return kept


def address_of(listening: socket.socket) -> str:
    """Host and port as they stand in a URL."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def allow_many_connections() -> None:
    """Raise the process's limit of open files to the most that it may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
