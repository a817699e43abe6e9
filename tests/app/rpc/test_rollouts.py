"""Rollouts over gRPC: metadata keep a caller on one side, and a failing candidate's call is answered all the same."""

from collections.abc import AsyncIterator, Awaitable, Callable
from io import StringIO
from pathlib import Path
from typing import Any

import grpc
import pytest

from app.access.guard import Guard
from app.access.keys import KeyRing
from app.bundle.pointer import activate
from app.bundle.store import Bundle
from app.domains.beer.api import VITALS
from app.rpc._pb import open_inference_pb2 as pb
from app.rpc.handler import GrpcHandler
from app.rpc.inference import InferenceMethods
from app.telemetry.logs import RequestLog
from tests.bundles import copy_as_version
from tests.known import KEY
from tests.planted import TRIGGER, plant
from tests.rollouts import Service

pytestmark = pytest.mark.anyio
ROW = (5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4)
Infer = Callable[..., Awaitable[Any]]


@pytest.fixture
def service(bundle: Bundle, tmp_path: Path) -> Service:
    """Version 1 answers; version 2 is not a number for one gravity."""
    copy_as_version(bundle, tmp_path, 1)
    plant(bundle, tmp_path, 2, "nan")
    activate(tmp_path, VITALS, "1")
    return Service(tmp_path, [])


@pytest.fixture
async def infer(service: Service) -> AsyncIterator[Infer]:
    """Calls ModelInfer."""
    methods = InferenceMethods(service.data_plane, service.pool, lambda: True, service.traffic).methods
    server = grpc.aio.server()
    guard = Guard(KeyRing.single(KEY))
    server.add_generic_rpc_handlers([GrpcHandler(methods, guard, RequestLog(StringIO()), service.manager.metrics)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelInferResponse.FromString,
        )

        async def infer(gravity: float = ROW[1], version: str = "", **metadata: str) -> Any:
            request = pb.ModelInferRequest(model_name=VITALS, model_version=version)
            features = request.inputs.add(name="features", datatype="FP32", shape=[1, len(ROW)])
            features.contents.fp32_contents.extend((ROW[0], gravity, *ROW[2:]))
            sent = (("x-api-key", KEY), *((name.replace("_", "-"), value) for name, value in metadata.items()))
            return await call(request, metadata=sent, timeout=10)

        yield infer
    await server.stop(None)
    service.watcher.stop()
    service.pool.stop()


async def test_a_caller_stays_on_one_side_by_metadata(service: Service, infer: Infer) -> None:
    service.begin("2", share=0.5, sticky="header:x-user")
    sides = {}
    for user in range(20):
        answers = {(await infer(x_user=f"user-{user}")).model_version for _ in range(3)}
        assert len(answers) == 1
        sides[user] = answers.pop()
    assert set(sides.values()) == {"1", "2"}
    assert (await infer(version="1")).model_version == "1"


async def test_a_failing_canary_is_stopped_and_its_call_is_answered(service: Service, infer: Infer) -> None:
    expected = await infer(TRIGGER)
    service.begin("2")
    assert (await infer()).model_version == "2"
    assert await infer(TRIGGER) == expected
    assert (await infer()).model_version == "1"
    assert "1 of 2 runs failed" in service.stopped()


async def test_a_shadow_repeats_the_runs(service: Service, infer: Infer) -> None:
    expected = await infer()
    service.begin("2", "shadow")
    assert await infer() == expected
    service.wait_until(lambda: service.figure("model_rollout_runs_total", version="2", result="ok") == 1)
