"""A gRPC server of the health service alone that records the connections of its calls."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

from app.access.guard import Guard
from app.access.keys import KeyRing
from app.rpc.handler import GrpcHandler
from app.rpc.health import Health
from app.rpc.server import Bounds, GrpcServer
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry
from tests.known import KEY

CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"
"""The answer to an empty check."""


@asynccontextmanager
async def recording_server(bounds: Bounds) -> AsyncIterator[tuple[str, set[str]]]:
    """Serve within the context.

    Args:
        bounds: Limits of the connections.

    Yields:
        The server's address, and the addresses of the clients' connections so far.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    health = Health({"": lambda: True})
    peers: set[str] = set()

    class Recorder(GrpcHandler):
        async def _answer(self, method, call, *more):  # type: ignore[no-untyped-def]
            peers.add(call.peer)
            return await super()._answer(method, call, *more)

    handler = Recorder(health.methods, Guard(KeyRing.single(KEY)), RequestLog(StringIO()), Registry())
    server = GrpcServer(handler, health, address, bounds)
    await server.start()
    try:
        yield address, peers
    finally:
        await server.stop(1.0)
