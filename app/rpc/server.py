"""The gRPC server: one port, in the event loop that serves REST, too."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from app.rpc.handler import GrpcHandler
from app.rpc.health import SERVICE, Health
from app.rpc.reflection import Reflection

MOST_STREAMS = 128
"""Calls at once in one connection; a client that has more waits with them."""
METADATA_BYTES = 16_384
"""Of one call; as much more again at random, gRPC says."""
_IDLE_SECONDS = 300
"""After which a connection without a call is closed."""
_KEEP_ALIVE_SECONDS = 30
"""Between two questions whether a silent client is still there; it has as long again to answer."""
_SETTLING_SECONDS = 0.05
"""At the end: calls that have come begin and, as none is answered, clients that wait for answers send no more."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a connection may take."""

    message_bytes: int
    """Of one message, as sent and as inflated."""
    handshake_seconds: float
    """Until a connection has agreed on TLS and HTTP/2."""


class GrpcServer:
    """Serves a door on a port."""

    def __init__(
        self,
        door: GrpcHandler,
        health: Health,
        address: str,
        bounds: Bounds,
        credentials: grpc.ServerCredentials | None = None,
        reflected: Sequence[str] | None = None,
    ) -> None:
        """Initialize the grpc server.

        Args:
            door: What is served.
            health: Is told of the end.
            address: Host and port, which is not 0; others may listen there, too: who connects gets one of them.
            bounds: What a connection may take.
            credentials: For TLS; None: none.
            reflected: Services of which whoever asks is told what they are, as grpcurl does, beside health;
                None: nobody is told anything.
        """
        self._door = door
        self._health = health
        self._address = address
        self._bounds = bounds
        self._credentials = credentials
        self._reflection = Reflection([*reflected, SERVICE]) if reflected is not None else None
        self._server: Any = None  # made in the event loop that it serves in

    async def start(self) -> None:
        """Answer from now on.

        Raises:
            RuntimeError: The address cannot be listened on, or the credentials are none.
        """
        server = grpc.aio.server(options=self._options())
        if self._reflection is not None:
            server.add_generic_rpc_handlers([self._reflection])
        server.add_generic_rpc_handlers([self._door])
        if self._credentials is None:
            server.add_insecure_port(self._address)
        else:
            server.add_secure_port(self._address, self._credentials)
        await server.start()
        self._server = server

    def _options(self) -> list[tuple[str, int]]:
        return [
            ("grpc.so_reuseport", 1),
            ("grpc.max_receive_message_length", self._bounds.message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", METADATA_BYTES),
            ("grpc.max_concurrent_streams", MOST_STREAMS),
            ("grpc.server_handshake_timeout_ms", round(self._bounds.handshake_seconds * 1000)),
            ("grpc.max_connection_idle_ms", _IDLE_SECONDS * 1000),
            ("grpc.keepalive_time_ms", _KEEP_ALIVE_SECONDS * 1000),
            ("grpc.keepalive_timeout_ms", _KEEP_ALIVE_SECONDS * 1000),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ]

    async def stop(self, grace: float) -> None:
        """Take no more calls, and let those in work end.

        Args:
            grace: Seconds until those that are left are cut off.
        """
        if self._server is None:
            return
        self._health.retire()
        if self._reflection is not None:
            self._reflection.retire()
        with self._door.answers_held():  # gRPC cancels calls that have come and not begun: let none be there
            await asyncio.sleep(_SETTLING_SECONDS)
            stopping = asyncio.create_task(self._server.stop(grace))
            await asyncio.sleep(0)
        await asyncio.wait({stopping}, timeout=grace)
        if self._door.in_work:
            _log.warning("Leaving %d gRPC calls that took longer than SHUTDOWN_GRACE", self._door.in_work)
        await stopping
