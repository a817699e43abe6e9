"""The key of a gRPC call: the scope that each method requires, and calls whose rate cannot be counted."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import grpc
import pytest

from app.access.guard import Guard, Limits
from app.access.keys import KeyRing, Principal
from app.access.rates import RateLimiter, parse_rate
from app.rpc._pb.iris_pb2 import DESCRIPTOR as IRIS
from app.rpc._pb.open_inference_pb2 import DESCRIPTOR as INFERENCE

pytestmark = pytest.mark.anyio
Open = Callable[[Guard], Awaitable[grpc.aio.Channel]]
WITHOUT_KEY = {"ServerLive", "ServerReady"}
ADMIN = {"RepositoryModelLoad", "RepositoryModelUnload"}
METHODS = [
    f"/{service.full_name}/{method.name}"
    for file in (INFERENCE, IRIS)
    for service in file.services_by_name.values()
    for method in service.methods
]
SCOPES = {"predict", "metrics", "admin"}


def _guard(*scopes: str, rate: str | None = None, limits: Limits | None = None) -> Guard:
    principal = Principal("caller", frozenset(scopes), rate=parse_rate(rate) if rate else None)
    return Guard(KeyRing({sha256(b"the-key").digest(): principal}), limits)


async def _call(channel: grpc.aio.Channel, method: str, key: str | None = None) -> Any:
    """The status of a call with an empty message: an `AioRpcError`, or None where it was answered."""
    call: Any = channel.unary_unary(method)
    try:
        await call(b"", metadata=(("x-api-key", key),) if key else (), timeout=10)
    except grpc.aio.AioRpcError as error:
        return error
    return None


def test_every_method_of_the_protos_is_covered() -> None:
    assert len(METHODS) == 12
    assert {method.rpartition("/")[2] for method in METHODS} > WITHOUT_KEY | ADMIN


@pytest.mark.parametrize("method", METHODS)
async def test_a_method_requires_its_own_scope(opened: Open, method: str) -> None:
    name = method.rpartition("/")[2]
    channel = await opened(_guard(*(SCOPES - {"admin" if name in ADMIN else "predict"})))
    if name in WITHOUT_KEY:
        assert await _call(channel, method) is None
        return
    for key, code in (
        (None, grpc.StatusCode.UNAUTHENTICATED),
        ("wrong-key", grpc.StatusCode.UNAUTHENTICATED),
        ("the-key", grpc.StatusCode.PERMISSION_DENIED),
    ):
        assert (await _call(channel, method, key)).code() is code, key


@pytest.mark.parametrize("method", METHODS)
async def test_a_key_with_that_scope_alone_passes(opened: Open, method: str) -> None:
    channel = await opened(_guard("admin" if method.rpartition("/")[2] in ADMIN else "predict"))
    error = await _call(channel, method, "the-key")
    assert error is None or error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize("key", ["the-key ", " the-key", "  the-key  "])
async def test_blanks_around_the_key_are_not_part_of_it(opened: Open, key: str) -> None:
    channel = await opened(_guard("predict"))
    error = await _call(channel, "/inference.GRPCInferenceService/ModelInfer", key)
    assert error is None or error.code() is not grpc.StatusCode.UNAUTHENTICATED


async def test_a_call_whose_rate_cannot_be_counted_may_be_retried_after_1_second(opened: Open) -> None:
    unreachable = RateLimiter("redis://127.0.0.1:1/0", "closed")
    channel = await opened(_guard("predict", rate="5/hour", limits=Limits(unreachable)))
    error = await _call(channel, "/inference.GRPCInferenceService/ModelInfer", "the-key")
    await unreachable.stop()
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert dict(error.trailing_metadata())["retry-after"] == "1"
