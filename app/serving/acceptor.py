"""The acceptor: takes new connections, as many in a turn of the event loop as keep pace with those that are open.

libuv takes one in a turn. Under load a turn takes milliseconds: new ones waited for seconds behind those that were
already in.
"""

import asyncio
import socket
from collections.abc import Callable

from app.serving.limits import BACKLOG

LEAST_TAKEN = 4
"""Few, so that workers that share the port share a handful of connections, too."""
PAUSE_SECONDS = 0.1
"""Rest after the process has run out of descriptors; meanwhile connections wait in the kernel."""


class Acceptor:
    """Listens on one socket."""

    def __init__(
        self, listening: socket.socket, protocol: Callable[[], asyncio.Protocol], open_now: Callable[[], int]
    ) -> None:
        """Initialize the acceptor.

        Args:
            listening: An open port.
            protocol: Makes a connection's protocol.
            open_now: How many connections are open.
        """
        self._listening = listening
        self._protocol = protocol
        self._open_now = open_now
        self._loop = asyncio.get_running_loop()
        self._starting: set[asyncio.Task[object]] = set()
        listening.setblocking(False)

    def start(self) -> None:
        """Take connections from now on."""
        if self._listening.fileno() >= 0:
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def close(self) -> None:
        """Take what waits, and no more: closed under it, it would be reset."""
        self._loop.remove_reader(self._listening.fileno())
        self._take(BACKLOG)
        self._listening.close()

    def _accept(self) -> None:
        if not self._take(LEAST_TAKEN + self._open_now() // 4):
            self._loop.remove_reader(self._listening.fileno())
            self._loop.call_later(PAUSE_SECONDS, self.start)

    def _take(self, most: int) -> bool:
        """Take waiting connections.

        Returns:
            Whether there are descriptors for more.
        """
        for _ in range(most):
            try:
                taken, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return True
            except OSError:
                return False
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task: asyncio.Task[object] = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, taken)
            )
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        return True
