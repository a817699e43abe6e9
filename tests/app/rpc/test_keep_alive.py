"""Keep-alive pings of clients: an idle client may ping, and one that floods the server is sent away."""

import asyncio

import grpc
import pytest

from app.rpc.server import Bounds
from tests.app.rpc.recording import CHECK, SERVING, recording_server

pytestmark = pytest.mark.anyio


async def connections_of_idle_client(allowed: float, interval: float, seconds: float) -> int:
    """Ping an idle connection, and call before and after.

    Args:
        allowed: Shortest interval of pings that the server allows, s.
        interval: Interval of the client's pings, s.
        seconds: How long the client is idle.

    Returns:
        The number of connections that the client has used.
    """
    options = [
        ("grpc.keepalive_time_ms", round(interval * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    async with recording_server(Bounds(1_000_000, 5.0, ping_seconds=allowed)) as (address, peers):
        async with grpc.aio.insecure_channel(address, options) as channel:
            check = channel.unary_unary(CHECK)
            assert await check(b"") == SERVING
            await asyncio.sleep(seconds)
            assert await check(b"") == SERVING
    return len(peers)


async def test_an_idle_client_may_ping_and_one_that_pings_too_often_is_sent_away() -> None:
    # gRPC's client sends no pings that are less than 1 s apart, and the third one too many ends the connection
    patient, hasty = await asyncio.gather(
        connections_of_idle_client(allowed=0.5, interval=1.0, seconds=4.5),
        connections_of_idle_client(allowed=5.0, interval=1.0, seconds=4.5),
    )
    assert (patient, hasty) == (1, 2)


@pytest.mark.nightly
async def test_an_idle_client_that_pings_every_10_seconds_keeps_its_connection() -> None:
    assert await connections_of_idle_client(Bounds(1, 1).ping_seconds, interval=10.0, seconds=65.0) == 1
