"""The acceptor: accepts new connections at a rate that keeps pace with the number of open ones.

libuv accepts one connection per turn of the event loop. Under load a turn takes milliseconds, and new connections
waited for seconds behind those that were already open.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from math import inf

from app.serving.limits import BACKLOG

if sys.platform != "win32":
    import resource

MIN_ACCEPTED = 4
"""Connections accepted per turn while few are open; small, so that workers share a handful of connections, too."""
PAUSE_SECONDS = 0.1
"""Pause while file descriptors are short; meanwhile connections wait in the kernel."""
SPARE_FILES = 32
"""File descriptors that are kept from connections: requests read files, and a test of a new version opens pipes."""
_LARGEST_SPARE = 0.25
"""Largest part of all file descriptors that is kept from connections."""
_MOST_ON_WINDOWS = 256
"""Connections on Windows, whose event loop watches 512 sockets at most; those that wait to be accepted come on top."""


class Acceptor:
    """Accepts the connections of one listening socket."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        open_now: Callable[[], int],
        spare_files: int = SPARE_FILES,
    ) -> None:
        """Initialize the acceptor.

        Args:
            listening: The listening socket.
            protocol: Creates the protocol of a connection.
            open_now: Returns the number of open connections.
            spare_files: File descriptors that are left for other purposes.
        """
        self._listening = listening
        self._protocol = protocol
        self._open_now = open_now
        self._loop = asyncio.get_running_loop()
        self._most_files = _most_files(spare_files)
        self._starting: set[asyncio.Task[object]] = set()
        listening.setblocking(False)

    def start(self) -> None:
        """Accept connections from now on."""
        if self._listening.fileno() < 0:
            return
        if self._is_full():
            self._loop.call_later(PAUSE_SECONDS, self.start)
        else:
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def _is_full(self) -> bool:
        if sys.platform == "win32":  # where the number of a socket says nothing
            return self._open_now() >= _MOST_ON_WINDOWS
        return _lowest_free(self._listening) >= self._most_files

    def close(self) -> None:
        """Accept the connections that wait in the kernel, then close the socket: it would reset them."""
        self._loop.remove_reader(self._listening.fileno())
        self._accept_up_to(BACKLOG)
        self._listening.close()

    def _accept(self) -> None:
        if not self._accept_up_to(MIN_ACCEPTED + self._open_now() // 4):
            self._loop.remove_reader(self._listening.fileno())
            self._loop.call_later(PAUSE_SECONDS, self.start)

    def _accept_up_to(self, maximum: int) -> bool:
        """Accept waiting connections.

        Returns:
            Whether file descriptors are left.
        """
        for _ in range(maximum):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return True
            except OSError:
                return False
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task: asyncio.Task[object] = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, connection)
            )
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
            if connection.fileno() >= self._most_files:  # the kernel gives the lowest number that is free
                return False
        return sys.platform != "win32" or self._open_now() < _MOST_ON_WINDOWS


def _most_files(spare: int) -> float:
    if sys.platform == "win32":
        return inf
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return inf if limit == resource.RLIM_INFINITY else limit - min(spare, int(limit * _LARGEST_SPARE))


def _lowest_free(opened: socket.socket) -> float:
    try:
        copy = os.dup(opened.fileno())
    except OSError:  # none is free
        return inf
    os.close(copy)
    return copy
