"""Deadlines: a call that expires in the queue of the thread pool ends, and is not computed."""

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import pytest

import app.rpc  # noqa: F401  # before gRPC: keeps its core from writing to stderr
from app.access.guard import Guard
from app.access.keys import KeyRing
from app.bundle.store import read_bundle
from app.domains.beer.api import VITALS, BeerApi
from app.oip.data_plane import FAST_ROWS, DataPlane
from app.rpc._pb import open_inference_pb2 as pb
from app.rpc.handler import GrpcHandler
from app.rpc.inference import LARGE_MESSAGE, InferenceMethods
from app.runtime.onnx import OnnxPredictor
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.logs import RequestLog
from tests.committed import committed
from tests.known import KEY
from tests.model_manager import model_manager

pytestmark = pytest.mark.anyio
BEER = (5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4)
INFER = "/inference.GRPCInferenceService/ModelInfer"
KEYED = (("x-api-key", KEY),)


@dataclass
class Serving:
    """A server and its parts."""

    infer: Any
    thread_pool: BoundedThreadPool
    plane: DataPlane
    log: io.StringIO

    def codes(self) -> list[int]:
        """Status codes in the access log."""
        return [json.loads(line)["status"] for line in self.log.getvalue().splitlines()]


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    """A server for the beer model, with a pool of one thread."""
    manager = model_manager(BeerApi, names=[VITALS])
    manager.add(OnnxPredictor(read_bundle(committed(VITALS))))
    thread_pool, log = BoundedThreadPool(size=1, queue=1), io.StringIO()
    plane = DataPlane(manager, thread_pool)
    methods = InferenceMethods(plane, thread_pool, lambda: True).methods
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [GrpcHandler(methods, Guard(KeyRing.single(KEY)), RequestLog(log), manager.metrics)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        infer: Any = channel.unary_unary(INFER, response_deserializer=pb.ModelInferResponse.FromString)
        yield Serving(infer, thread_pool, plane, log)
    await server.stop(None)
    thread_pool.stop()


def request(rows: int) -> bytes:
    beers = np.array([BEER] * rows, np.float32)
    message = pb.ModelInferRequest(model_name=VITALS, raw_input_contents=[beers.tobytes()])
    message.inputs.add(name="features", datatype="FP32", shape=beers.shape)
    return message.SerializeToString()


@pytest.mark.parametrize("rows", [FAST_ROWS + 1, LARGE_MESSAGE // 16])
async def test_a_deadline_that_expires_in_the_queue_ends_the_call(serving: Serving, rows: int) -> None:
    release = threading.Event()
    holding = asyncio.create_task(serving.thread_pool.run(lambda _: release.wait(30), None))
    await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await serving.infer(request(rows), metadata=KEYED, timeout=0.3)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(10):
        while serving.thread_pool.taken > 1 or not serving.codes():  # the server notices the deadline independently
            await asyncio.sleep(0.005)
    assert serving.codes() == [grpc.StatusCode.DEADLINE_EXCEEDED.value[0]]
    release.set()
    await holding
    answer = await serving.infer(request(rows), metadata=KEYED, timeout=30)
    assert list(answer.outputs[0].shape) == [rows, 1]
    (statistics,) = await serving.plane.statistics(VITALS)
    assert statistics.rows == rows, "the rows of the expired call were computed"
