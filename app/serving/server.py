"""The server: uvicorn's, with limits on every connection and an orderly shutdown."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol

import uvicorn
from starlette.types import ASGIApp

from app.problem_types import ProblemType
from app.rest.responses import Header
from app.serving.acceptor import SPARE_FILES, Acceptor
from app.serving.fair_start import FairStart
from app.serving.limits import ConnectionLimits
from app.serving.protocol import BoundedHttpProtocol, ConnectionContext
from app.serving.uvicorn_internals import STARTUP_FAILURE, check_uvicorn

CHECK_SECONDS = 0.5
"""Seconds between two checks of every connection."""
TICKS_PER_CHECK = 5
"""uvicorn ticks every 0.1 s."""
MAX_FAREWELL = 1.0
"""Seconds for which open connections may go on after the start of the shutdown.

Their next response closes them, so that no request that is on its way is lost.
"""
SETTLING_SECONDS = 0.05
"""Time for a connection that waited in the kernel to send its request."""
SEND_BUFFER_BYTES = 131_072
"""Bytes that the kernel may hold per connection for a client that does not read; Linux doubles it for its own records.

Left alone, it grows to 4 MB. A client 50 ms away still gets over 2 MB/s.
"""
_EVENT_LOOP = "asyncio:SelectorEventLoop" if sys.platform == "win32" else "auto"
"""uvicorn's name of the event loop. Its default on Windows has no ``add_reader``, which the acceptor needs."""
_log = logging.getLogger(__name__)


class CompanionServer(Protocol):
    """A server of another port in the same event loop."""

    async def start(self) -> None:
        """Start answering."""

    async def stop(self, grace: float) -> None:
        """Refuse new calls, and give running ones this many seconds."""


class BoundedServer(uvicorn.Server):
    """Serves an ASGI application over connections with limits."""

    def __init__(
        self,
        app: ASGIApp,
        limits: ConnectionLimits,
        grace: float,
        on_rejected: Callable[[ProblemType], None] = lambda problem_type: None,
        on_retire: Callable[[], None] = lambda: None,
        on_start: Callable[[], None] = lambda: None,
        cors_headers: Callable[[Sequence[Header]], Iterable[Header]] = lambda headers: (),
        companion: CompanionServer | None = None,
        lifespan: Literal["auto", "off"] = "auto",
        spare_files: int = SPARE_FILES,
    ) -> None:
        """Initialize the server.

        Args:
            app: The application.
            limits: What a connection may take.
            grace: Seconds after which a shutdown ends the connections that are left.
            on_rejected: Called for each request that is rejected before the application sees it.
            on_retire: Called when a shutdown begins, before anything is closed.
            on_start: Called once requests are answered.
            cors_headers: Returns the CORS headers of a rejection, from the headers of its request.
            companion: Started and stopped together with this server.
            lifespan: Whether the application gets lifespan events.
            spare_files: File descriptors that its connections leave for other purposes.

        Raises:
            SystemExit: 1 if the installed uvicorn does not fit.
        """
        check_uvicorn()
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                loop=_EVENT_LOOP,
                ws="none",
                lifespan=lifespan,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # which proxies are trusted is a setting of ours
            )
        )
        self._limits = limits
        self._grace = grace
        self._on_rejected = on_rejected
        self._on_retire = on_retire
        self._on_start = on_start
        self._cors_headers = cors_headers
        self._companion = companion
        self._spare_files = spare_files
        self._acceptors: list[Acceptor] = []

    @property
    def connections(self) -> list[BoundedHttpProtocol]:
        """The open connections."""
        return list(self.server_state.connections)  # type: ignore[arg-type]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start answering.

        Args:
            sockets: The listening sockets.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(STARTUP_FAILURE)
        self.servers = []
        loop = asyncio.get_running_loop()
        app: Any = self.config.loaded_app
        self._context = ConnectionContext(
            app,
            self._limits,
            self.server_state,
            loop,
            FairStart(loop),
            self._on_rejected,
            self._cors_headers,
            self.lifespan.state,
        )
        for listening in sockets or []:
            _bound_kernel(listening, self._limits.body_seconds)
            self._acceptors.append(
                Acceptor(listening, self._connection, lambda: len(self.server_state.connections), self._spare_files)
            )
            self._acceptors[-1].start()
        if self._companion is not None:
            await self._companion.start()
        self.started = True
        self._on_start()

    def _connection(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self._context)

    async def on_tick(self, counter: int) -> bool:
        """Check the connections' timeouts, and do what uvicorn does."""
        if counter % TICKS_PER_CHECK == 0:
            now = asyncio.get_running_loop().time()
            for connection in self.connections:
                connection.check_timeout(now, CHECK_SECONDS)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close idle connections after their next response, then the listening sockets, then all other connections.

        uvicorn's own shutdown closes idle connections at once, under requests that are on their way, and waits for
        incomplete requests.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._grace
        self._context.retiring = True
        _log.info("Shutting down: no longer ready; each response closes its connection")
        self._on_retire()
        companion = asyncio.create_task(self._companion.stop(self._grace)) if self._companion is not None else None
        for connection in self.connections:
            connection.retire()
        await asyncio.sleep(SETTLING_SECONDS)
        await self._wait_for_connections(loop.time() + min(MAX_FAREWELL, self._grace / 2))
        for acceptor in self._acceptors:
            acceptor.close()
        await asyncio.sleep(SETTLING_SECONDS)
        for connection in self.connections:
            connection.shutdown()
        await self._wait_for_connections(end)
        if left := self.connections:
            _log.warning("Closing %d connections that took longer than SHUTDOWN_GRACE", len(left))
            for connection in left:
                connection.abort()
            await asyncio.wait([*self.server_state.tasks, asyncio.create_task(asyncio.sleep(0))], timeout=0.2)
        if companion is not None:
            await companion
        await self.lifespan.shutdown()

    async def _wait_for_connections(self, end: float) -> None:
        """Wait until no connection is open, until a moment of the loop's time, or until a second Ctrl+C."""
        loop = asyncio.get_running_loop()
        while self.server_state.connections and loop.time() < end and not self.force_exit:
            await asyncio.sleep(0.02)


def _bound_kernel(listening: socket.socket, seconds: float) -> None:
    """Bound what the kernel keeps for each connection of a listening socket: accepted sockets inherit the options.

    Args:
        listening: The listening socket.
        seconds: Time after which the kernel drops a connection whose client takes nothing, even one closed here.
    """
    if listening.family not in (socket.AF_INET, socket.AF_INET6):
        return
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if sys.platform == "linux":
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, int(seconds * 1000)))
