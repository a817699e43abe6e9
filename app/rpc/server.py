"""The gRPC server: one port, in the event loop that also serves REST."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from app.rpc.handler import GrpcHandler
from app.rpc.health import SERVICE, Health
from app.rpc.reflection import Reflection

MAX_CONNECTIONS = 256
"""Maximum number of connections of a process; gRPC closes further ones."""
MAX_STREAMS = 100
"""Maximum number of concurrent calls per connection; further calls wait in the client."""
METADATA_BYTES = 16_384
"""Soft limit of a call's metadata; gRPC rejects some calls above it, and all above a higher hard limit."""
_IDLE_SECONDS = 300
"""Seconds after which a connection without a call is closed."""
_KEEP_ALIVE_SECONDS = 30
"""Interval of keep-alive pings on a silent connection, and the time to answer one."""
_SETTLING_SECONDS = 0.05
"""Pause before the server stops, in which received calls start, and held responses keep clients from new calls."""
_READ_BYTES = 65_536
"""Most that is read from a connection at once: a small part of it keeps all of it in memory."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a connection."""

    message_bytes: int
    """Maximum size of a message in bytes, both compressed and decompressed."""
    handshake_seconds: float
    """Maximum duration of the TLS and HTTP/2 handshakes."""
    age_seconds: float = 1800.0
    """Age at which a client is told to open a new connection, within a tenth: gRPC spreads it."""
    age_grace_seconds: float = 60.0
    """Time in which the calls of an old connection finish, before it is closed."""
    ping_seconds: float = 5.0
    """Shortest interval of a client's keep-alive pings, with and without calls; gRPC advises clients to take 10 s. Two
    pings that follow too soon are forgiven; the next one closes the connection (ENHANCE_YOUR_CALM)."""


class GrpcServer:
    """Serves a handler on a port."""

    def __init__(
        self,
        handler: GrpcHandler,
        health: Health,
        address: str,
        bounds: Bounds,
        credentials: grpc.ServerCredentials | None = None,
        reflected: Sequence[str] | None = None,
    ) -> None:
        """Create a server; `start` opens the port.

        Args:
            handler: Serves the calls.
            health: The health service, which reports the end of the server.
            address: Host and port (not 0). Several processes may listen on it and share the connections.
            bounds: Limits of a connection.
            credentials: TLS credentials; None: plain text.
            reflected: Services that server reflection describes, in addition to health; None: no reflection.
        """
        self._handler = handler
        self._health = health
        self._address = address
        self._bounds = bounds
        self._credentials = credentials
        self._reflection = Reflection([*reflected, SERVICE], handler.limits) if reflected is not None else None
        self._server: Any = None  # created in the event loop that it serves in

    async def start(self) -> None:
        """Open the port and serve calls.

        Raises:
            RuntimeError: If the address is in use, or the credentials are invalid.
        """
        logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_disconnection)
        server = grpc.aio.server(options=self._options())
        if self._reflection is not None:
            server.add_generic_rpc_handlers([self._reflection])
        server.add_generic_rpc_handlers([self._handler])
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
            ("grpc.experimental.tcp_max_read_chunk_size", _READ_BYTES),
            ("grpc.max_metadata_size", METADATA_BYTES),
            ("grpc.max_concurrent_streams", MAX_STREAMS),
            ("grpc.max_allowed_incoming_connections", MAX_CONNECTIONS),
            ("grpc.max_connection_age_ms", round(self._bounds.age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", round(self._bounds.age_grace_seconds * 1000)),
            ("grpc.server_handshake_timeout_ms", round(self._bounds.handshake_seconds * 1000)),
            ("grpc.max_connection_idle_ms", _IDLE_SECONDS * 1000),
            ("grpc.keepalive_time_ms", _KEEP_ALIVE_SECONDS * 1000),
            ("grpc.keepalive_timeout_ms", _KEEP_ALIVE_SECONDS * 1000),
            ("grpc.keepalive_permit_without_calls", 1),  # else an idle client may ping every two hours
            ("grpc.http2.min_ping_interval_without_data_ms", round(self._bounds.ping_seconds * 1000)),
            ("grpc.http2.max_ping_strikes", 2),
        ]

    async def stop(self, grace: float) -> None:
        """Accept no more calls, and let the calls in progress finish.

        Args:
            grace: Seconds after which the remaining calls are cancelled.
        """
        if self._server is None:
            return
        self._health.retire()
        if self._reflection is not None:
            self._reflection.retire()
        with self._handler.hold_responses():  # gRPC would cancel calls that it has received and not started
            await asyncio.sleep(_SETTLING_SECONDS)
            stopping = asyncio.create_task(self._server.stop(grace))
            await asyncio.sleep(0)
        await asyncio.wait({stopping}, timeout=grace)
        if self._handler.active_calls:
            _log.warning("Cancelling %d gRPC calls that exceed SHUTDOWN_GRACE", self._handler.active_calls)
        await stopping


def _is_no_disconnection(record: logging.LogRecord) -> bool:
    """Whether a log record of gRPC is not about a client that left before its response was sent."""
    return not (record.exc_info and type(record.exc_info[1]).__name__ == "ExecuteBatchError")
