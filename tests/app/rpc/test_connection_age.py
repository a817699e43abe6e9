"""The age of connections: clients move to a new one without a failed call."""

import asyncio
import socket
from io import StringIO

import grpc
import pytest

from app.access.guard import Guard
from app.access.keys import KeyRing
from app.rpc.handler import GrpcHandler
from app.rpc.health import Health
from app.rpc.server import Bounds, GrpcServer
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry

pytestmark = pytest.mark.anyio


async def test_calls_beyond_the_age_of_a_connection_succeed() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    health = Health({"": lambda: True})
    peers: set[str] = set()

    class Recorder(GrpcHandler):
        async def _answer(self, method, call, *more):  # type: ignore[no-untyped-def]
            peers.add(call.peer)
            return await super()._answer(method, call, *more)

    handler = Recorder(
        health.methods, Guard(KeyRing.single("a-key-of-the-tests-0123456789")), RequestLog(StringIO()), Registry()
    )
    server = GrpcServer(handler, health, address, Bounds(1_000_000, 5.0, age_seconds=0.3, age_grace_seconds=1.0))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            end = asyncio.get_running_loop().time() + 1.5
            while asyncio.get_running_loop().time() < end:
                assert await check(b"") == b"\x08\x01"
    finally:
        await server.stop(1.0)
    assert len(peers) >= 3
