"""The server: uvicorn's, with an eye on every connection and a polite end."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Protocol

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from app.serving.acceptor import Acceptor
from app.serving.config import BoundedConfig
from app.serving.protocol import BoundedHttpProtocol

SWEEP_SECONDS = 0.5
"""Between two looks at every connection; 20,000 of them take a few milliseconds."""
TICKS_A_SWEEP = 5
"""uvicorn ticks every 0.1 s."""
LONGEST_FAREWELL = 1.0
"""Seconds for which connections that are kept open may go on: their next answer closes them, and no request that was
just on its way is lost."""

SETTLING_SECONDS = 0.05
"""Until a connection that waited in the kernel has shown what it wants."""
_log = logging.getLogger(__name__)


class Beside(Protocol):
    """Another port that is served in the same event loop."""

    async def start(self) -> None:
        """Answer from now on."""

    async def stop(self, grace: float) -> None:
        """Take no more calls, and give those in work so many seconds."""


class BoundedServer(uvicorn.Server):
    """Serves a `BoundedConfig`."""

    def __init__(
        self,
        config: BoundedConfig,
        grace: float,
        on_retire: Callable[[], None] = lambda: None,
        on_start: Callable[[], None] = lambda: None,
        beside: Beside | None = None,
    ) -> None:
        """Initialize the bounded server.

        Args:
            config: What to serve, and how.
            grace: Seconds until whoever is still connected is left, once told to stop.
            on_retire: Called once told to stop, before anything is closed.
            on_start: Called once requests are answered.
            beside: LoadedModel and ended together with it.
        """
        super().__init__(config)
        self._guard = config
        self._grace = grace
        self._on_retire = on_retire
        self._on_start = on_start
        self._beside = beside
        self._acceptors: list[Acceptor] = []

    @property
    def connections(self) -> list[BoundedHttpProtocol]:
        """The open connections."""
        return list(self.server_state.connections)  # type: ignore[arg-type]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so.

        Args:
            sockets: Open ports.
        """
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(STARTUP_FAILURE)
        self.servers = []
        for listening in sockets or []:
            self._acceptors.append(Acceptor(listening, self._connection, lambda: len(self.server_state.connections)))
            self._acceptors[-1].start()
        if self._beside is not None:
            await self._beside.start()
        self.started = True
        self._on_start()

    def _connection(self) -> BoundedHttpProtocol:
        return BoundedHttpProtocol(self._guard, self.server_state, self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        """Look at the connections, and do what uvicorn does."""
        if counter % TICKS_A_SWEEP == 0:
            now = asyncio.get_running_loop().time()
            for connection in self.connections:
                connection.watch(now, SWEEP_SECONDS)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, then close: first what listens, then what idles, then what was in work.

        uvicorn's own end closes idle connections at once, under requests that are on their way, and waits for half
        requests.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._grace
        self._guard.retiring = True
        _log.info("Leaving: not ready any more, and every answer closes its connection")
        self._on_retire()
        beside = asyncio.create_task(self._beside.stop(self._grace)) if self._beside is not None else None
        for connection in self.connections:
            connection.retire()
        await asyncio.sleep(SETTLING_SECONDS)
        await self._gone_by(loop.time() + min(LONGEST_FAREWELL, self._grace / 2))
        for acceptor in self._acceptors:
            acceptor.close()
        await asyncio.sleep(SETTLING_SECONDS)
        for connection in self.connections:
            connection.shutdown()
        await self._gone_by(end)
        if left := self.connections:
            _log.warning("Leaving %d connections that took longer than SHUTDOWN_GRACE", len(left))
            for connection in left:
                connection.abort()
            await asyncio.wait([*self.server_state.tasks, asyncio.create_task(asyncio.sleep(0))], timeout=0.2)
        if beside is not None:
            await beside
        await self.lifespan.shutdown()

    async def _gone_by(self, moment: float) -> None:
        """Wait until no connection is open, until a moment, or until somebody insists (Ctrl+C twice)."""
        loop = asyncio.get_running_loop()
        while self.server_state.connections and loop.time() < moment and not self.force_exit:
            await asyncio.sleep(0.02)
