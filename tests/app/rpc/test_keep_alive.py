"""Keep-alive pings of clients: an idle client may ping, and one that floods the server is sent away."""

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
OK = b"\x08\x01"


async def peers_of_idle_client(allowed: float, interval: float, seconds: float) -> set[str]:
    """Ping an idle connection, and call before and after.

    Args:
        allowed: Shortest interval of pings that the server allows, s.
        interval: Interval of the client's pings, s.
        seconds: How long the client is idle.

    Returns:
        The addresses of the client's connections, as the server saw them in calls.
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

    guard = Guard(KeyRing.single("a-key-of-the-tests-0123456789"))
    handler = Recorder(health.methods, guard, RequestLog(StringIO()), Registry())
    server = GrpcServer(handler, health, address, Bounds(1_000_000, 5.0, ping_seconds=allowed))
    options = [
        ("grpc.keepalive_time_ms", round(interval * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address, options) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert await check(b"") == OK
            await asyncio.sleep(seconds)
            assert await check(b"") == OK
    finally:
        await server.stop(1.0)
    return peers


async def test_an_idle_client_may_ping_and_one_that_pings_too_often_is_sent_away() -> None:
    # gRPC's client sends no pings that are less than 1 s apart, and the third one too many ends the connection
    patient, hasty = await asyncio.gather(
        peers_of_idle_client(allowed=0.5, interval=1.0, seconds=4.5),
        peers_of_idle_client(allowed=5.0, interval=1.0, seconds=4.5),
    )
    assert (len(patient), len(hasty)) == (1, 2)


@pytest.mark.nightly
async def test_an_idle_client_that_pings_every_10_seconds_keeps_its_connection() -> None:
    assert len(await peers_of_idle_client(Bounds(1, 1).ping_seconds, interval=10.0, seconds=65.0)) == 1
