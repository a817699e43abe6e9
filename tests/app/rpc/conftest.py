"""A gRPC server in the test's own event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from io import StringIO

import grpc
import pytest

import app.rpc  # noqa: F401  # before gRPC: keeps its core from writing to stderr
from app.access.guard import Guard
from app.models.manager import ModelManager
from app.oip.data_plane import DataPlane
from app.rpc.handler import GrpcHandler
from app.rpc.health import Health
from app.rpc.inference import InferenceMethods
from app.rpc.iris import IrisMethods
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.logs import RequestLog

Open = Callable[[Guard], Awaitable[grpc.aio.Channel]]


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """The event loop of `event_loop`."""
    return "asyncio"


@pytest.fixture(scope="package", autouse=True)
async def event_loop(anyio_backend: str) -> AsyncIterator[None]:
    """One event loop for all tests of the package: gRPC's poller may deliver a late event to a loop that is closed."""
    yield


@pytest.fixture
async def opened(manager: ModelManager) -> AsyncIterator[Open]:
    """Starts a server of every method with this guard, and opens a channel to it."""
    servers: list[grpc.aio.Server] = []
    channels: list[grpc.aio.Channel] = []
    thread_pool = BoundedThreadPool()
    plane = DataPlane(manager, thread_pool)
    inference = InferenceMethods(plane, thread_pool, lambda: True)
    methods = (*inference.methods, *IrisMethods(plane).methods, *Health({}).methods)

    async def start(guard: Guard) -> grpc.aio.Channel:
        servers.append(grpc.aio.server())
        servers[-1].add_generic_rpc_handlers([GrpcHandler(methods, guard, RequestLog(StringIO()), manager.metrics)])
        port = servers[-1].add_insecure_port("127.0.0.1:0")
        await servers[-1].start()
        channels.append(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        return channels[-1]

    yield start
    for channel in channels:
        await channel.close()
    for server in servers:
        await server.stop(None)
    thread_pool.stop()
