"""The age of connections: clients move to a new one without a failed call."""

import asyncio

import grpc
import pytest

from app.rpc.server import Bounds
from tests.app.rpc.recording import CHECK, SERVING, recording_server

pytestmark = pytest.mark.anyio


async def test_calls_beyond_the_age_of_a_connection_succeed() -> None:
    async with recording_server(Bounds(1_000_000, 5.0, age_seconds=0.3, age_grace_seconds=1.0)) as (address, peers):
        async with grpc.aio.insecure_channel(address) as channel:
            check = channel.unary_unary(CHECK)
            end = asyncio.get_running_loop().time() + 1.5
            while asyncio.get_running_loop().time() < end:
                assert await check(b"") == SERVING
    assert len(peers) >= 3
