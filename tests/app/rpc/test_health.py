"""gRPC health: the status of each service, and what its watchers see."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from app.access.guard import Guard
from app.access.keys import KeyRing
from app.rpc import health as module
from app.rpc.handler import GrpcHandler
from app.rpc.health import Health
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry
from tests.known import KEY

pytestmark = pytest.mark.anyio
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
PATIENCE = 10.0


@dataclass
class Server:
    """A server with one service, ``model``, and a client."""

    available: bool = True
    health: Health = field(init=False)
    stub: Any = None

    def __post_init__(self) -> None:
        self.health = Health({"": lambda: True, "model": lambda: self.available})

    def watch(self, service: str = "model") -> Any:
        """Start a Watch call."""
        return self.stub.Watch(HealthCheckRequest(service=service), timeout=PATIENCE)

    async def check(self, service: str = "model") -> int:
        """Return the status of a service."""
        answer = await self.stub.Check(HealthCheckRequest(service=service), timeout=PATIENCE)
        return int(answer.status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A running server."""
    state, running = Server(), grpc.aio.server()
    guard = Guard(KeyRing.single(KEY))
    running.add_generic_rpc_handlers([GrpcHandler(state.health.methods, guard, RequestLog(StringIO()), Registry())])
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        state.stub = HealthStub(channel)
        yield state
    await running.stop(None)


async def test_check_reports_the_present_status_of_each_service(server: Server) -> None:
    assert await server.check() == SERVING
    server.available = False
    assert await server.check() == NOT_SERVING and await server.check("") == SERVING
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await server.check("wine")
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_still_sees_changes_after_another_has_left(server: Server) -> None:
    first, second = server.watch(), server.watch()
    assert [(await first.read()).status, (await second.read()).status] == [SERVING, SERVING]
    first.cancel()
    with pytest.raises(grpc.aio.AioRpcError):
        await server.check("wine")  # the server has processed the cancellation before this call
    server.available = False
    assert (await second.read()).status == NOT_SERVING


async def test_watchers_see_the_end_of_the_server_and_their_calls_end(server: Server) -> None:
    known, unknown = server.watch(), server.watch("wine")
    assert (await known.read()).status == SERVING
    assert (await unknown.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
    server.health.retire()
    assert (await known.read()).status == NOT_SERVING
    assert await known.read() is await unknown.read() is grpc.aio.EOF
    assert await known.code() is grpc.StatusCode.OK
    assert await server.check("") == NOT_SERVING


async def test_the_number_of_watchers_is_limited_and_a_watcher_that_leaves_makes_room(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WATCHERS", 1)
    first = server.watch()
    await first.read()
    with pytest.raises(grpc.aio.AioRpcError) as rejected:
        await server.watch().read()
    assert rejected.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    first.cancel()
    for _ in range(100):
        try:
            answer = await server.watch().read()
            break
        except grpc.aio.AioRpcError:
            continue
    assert answer.status == SERVING
