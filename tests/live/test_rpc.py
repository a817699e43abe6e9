"""The gRPC port of a running program: health, API keys, errors, access log and calls that end early."""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from app.rpc._pb import open_inference_pb2 as pb
from app.rpc._pb.iris_pb2 import IrisPredictReply, IrisPredictRequest
from tests.committed import committed_models
from tests.keys import make_key
from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.rpc import BEER_ROW, FLOWER_ROW, HEALTH, INFERENCE, Caller, caller, typed
from tests.live.wire import request

IRIS = "/ml.IrisPredictor/PredictIrisSpecies"
FLOWER = IrisPredictRequest(sepal_length=5.1, sepal_width=3.5, petal_length=1.4, petal_width=0.2)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OK, NOT_FOUND = grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
INVALID, EXHAUSTED = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def client(program: Program) -> Iterator[Caller]:
    with caller(program.rpc()) as client:
        yield client


@pytest.mark.parametrize("service", ["", "inference.GRPCInferenceService", "ml.IrisPredictor"])
def test_health_of_each_service_needs_no_key(client: Caller, service: str) -> None:
    outcome = client.call(f"{HEALTH}Check", HealthCheckRequest(service=service), HealthCheckResponse, key=None)
    assert outcome.message.status == HealthCheckResponse.SERVING


def test_health_of_an_unknown_service_is_not_found(client: Caller) -> None:
    assert client.call(f"{HEALTH}Check", HealthCheckRequest(service="nope"), key=None).code is NOT_FOUND
    watch = client.channel.unary_stream(f"{HEALTH}Watch", response_deserializer=HealthCheckResponse.FromString)
    call = watch(HealthCheckRequest(service="nope").SerializeToString())
    assert next(iter(call)).status == HealthCheckResponse.SERVICE_UNKNOWN
    call.cancel()


def test_a_health_watcher_sees_a_model_unloaded_and_loaded_again(start: Start, tmp_path: Path) -> None:
    models = shutil.copytree(committed_models(), tmp_path / "models")
    admin = make_key(tmp_path / "keys.json", "one", scopes={"admin", "predict"})
    program = start(API_KEYS_FILE="keys.json", PORT="0", MODEL_URI=str(models))
    with caller(program.rpc()) as client:
        watch = client.channel.unary_stream(f"{HEALTH}Watch", response_deserializer=HealthCheckResponse.FromString)
        call = watch(HealthCheckRequest(service="ml.IrisPredictor").SerializeToString())
        seen = iter(call)
        assert next(seen).status == HealthCheckResponse.SERVING
        named = pb.RepositoryModelUnloadRequest(model_name="iris")
        assert client.call(f"{INFERENCE}RepositoryModelUnload", named, key=admin).code is OK
        assert next(seen).status == HealthCheckResponse.NOT_SERVING
        outcome = client.infer(typed("iris", FLOWER_ROW), key=admin)
        assert (outcome.code, outcome.details) == (grpc.StatusCode.UNAVAILABLE, "The model is not ready.")
        assert client.call(f"{INFERENCE}RepositoryModelLoad", named, key=admin).code is OK
        assert next(seen).status == HealthCheckResponse.SERVING
        call.cancel()


def test_only_a_valid_key_is_accepted_and_no_message_is_read_without_one(client: Caller) -> None:
    beer = typed("beer-ibu", BEER_ROW)
    assert client.infer(beer).code is OK
    for key in (None, "", "wrong-key-0123456789"):
        assert client.infer(beer, key=key).code is UNAUTHENTICATED
    assert client.infer(beer, key=None, metadata=[("x-api-key", KEY), ("x-api-key", KEY)]).code is UNAUTHENTICATED
    assert client.call(f"{INFERENCE}ModelInfer", b"\xff\xff", key=None).code is UNAUTHENTICATED
    assert client.call(f"{INFERENCE}ModelInfer", b"\xff\xff").code is INVALID


def test_scopes_are_checked(client: Caller) -> None:
    named = pb.RepositoryModelLoadRequest(model_name="iris")
    assert client.call(f"{INFERENCE}RepositoryModelLoad", named).code is DENIED
    assert client.call(f"{INFERENCE}RepositoryModelLoad", named, key=None).code is UNAUTHENTICATED


def test_failed_keys_are_counted_by_address_over_both_transports(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", AUTH_FAILURES_PER_MINUTE="2")
    assert program.send(request("GET", "/model", [("X-API-Key", "wrong-key-0123456789")])).status == 401
    with caller(program.rpc()) as client:
        beer = typed("beer-ibu", BEER_ROW)
        assert client.infer(beer, key="wrong-key-0123456789").code is UNAUTHENTICATED
        outcome = client.infer(beer, key="wrong-key-0123456789")
        assert outcome.code is EXHAUSTED and 1 <= int(outcome.trailing["retry-after"]) <= 60
        assert client.infer(beer).code is OK


def test_a_rate_limit_covers_both_transports_and_is_reported(start: Start, tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys.json", "one", rate="3/hour")
    program = start(API_KEYS_FILE="keys.json", PORT="0")
    assert program.send(request("GET", "/model", [("X-API-Key", key)])).status == 200
    with caller(program.rpc()) as client:
        outcomes = [client.infer(typed("beer-ibu", BEER_ROW), key=key) for _ in range(3)]
    assert [outcome.code for outcome in outcomes] == [OK, OK, EXHAUSTED]
    limits = [outcome.trailing["ratelimit"].split(";t=")[0] for outcome in outcomes]
    assert limits == ['"key";r=1', '"key";r=0', '"key";r=0']
    assert int(outcomes[2].trailing["retry-after"]) > 3000


def test_only_a_public_model_answers_calls_without_a_key(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="iris")
    with caller(program.rpc()) as client:
        assert client.call(IRIS, FLOWER, IrisPredictReply, key=None).message.species == 0
        assert client.infer(typed("iris", FLOWER_ROW), key=None).code is OK
        assert client.call(f"{INFERENCE}ModelReady", pb.ModelReadyRequest(name="iris"), key=None).code is OK
        for outcome in (
            client.call(IRIS, FLOWER, key="wrong-key-0123456789"),
            client.infer(typed("beer-ibu", BEER_ROW), key=None),
            client.infer(typed("", BEER_ROW), key=None),
            client.call(f"{INFERENCE}ModelReady", pb.ModelReadyRequest(name="beer-ibu"), key=None),
            client.call(f"{INFERENCE}ModelStatistics", pb.ModelStatisticsRequest(), key=None),
            client.call(f"{INFERENCE}RepositoryIndex", pb.RepositoryIndexRequest(), key=None),
            client.call(f"{INFERENCE}RepositoryModelUnload", b"\x12\x04iris", key=None),
        ):
            assert outcome.code is UNAUTHENTICATED


def test_the_iris_service_needs_a_key_by_default(client: Caller) -> None:
    assert client.call(IRIS, FLOWER, key=None).code is UNAUTHENTICATED
    assert client.call(IRIS, FLOWER, IrisPredictReply).message.species == 0


@pytest.mark.parametrize("value", [-1.0, 30.5, float("nan"), float("inf"), 1e300])
def test_an_impossible_flower_is_rejected(client: Caller, value: float) -> None:
    outcome = client.call(IRIS, IrisPredictRequest(sepal_length=5.1, sepal_width=3.5, petal_length=value))
    assert outcome.code is INVALID and "petal_length" in outcome.details


def test_a_message_is_limited_both_compressed_and_decompressed(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", GRPC_MAX_MESSAGE="100000")
    options: dict[str, Any] = {"grpc.max_send_message_length": -1}
    with caller(program.rpc(), **options) as client:
        for size, more in ((200_000, {}), (20_000_000, {"compression": grpc.Compression.Gzip})):
            sent = pb.ModelInferRequest(model_name="beer-ibu", raw_input_contents=[bytes(size)])
            assert client.infer(sent, **more).code is EXHAUSTED
        assert client.infer(typed("beer-ibu", BEER_ROW), compression=grpc.Compression.Gzip).code is OK
    assert program.send(request("GET", "/health/ready")).status == 200


def test_an_unknown_method_is_unimplemented(client: Caller) -> None:
    for method in ("/nope/Nope", f"{INFERENCE}ModelStreamInfer", "/", f"{INFERENCE}modelinfer"):
        assert client.call(method, b"").code is grpc.StatusCode.UNIMPLEMENTED


def test_a_call_without_a_message_is_rejected_and_with_two_is_answered(client: Caller) -> None:
    infer: Any = client.channel.stream_unary(f"{INFERENCE}ModelInfer")
    sent = typed("beer-ibu", BEER_ROW).SerializeToString()
    metadata = (("x-api-key", KEY),)
    with pytest.raises(grpc.RpcError) as error:
        infer(iter([]), metadata=metadata, timeout=20)
    assert error.value.code() is INVALID
    assert infer(iter([sent, sent]), metadata=metadata, timeout=20)


def test_receiving_a_message_has_a_time_limit(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", BODY_TIMEOUT="2")
    never = threading.Event()

    def messages() -> Iterator[bytes]:
        never.wait(60)
        yield b""

    with caller(program.rpc()) as client, pytest.raises(grpc.RpcError) as error:
        infer: Any = client.channel.stream_unary(f"{INFERENCE}ModelInfer")
        infer(messages(), metadata=(("x-api-key", KEY),), timeout=30)
    never.set()
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error.value.details() == "The message did not arrive in time."


def test_each_call_is_logged_with_its_trace_and_the_request_id_that_the_client_receives(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with caller(program.rpc()) as client:
        outcome = client.infer(
            typed("beer-ibu", BEER_ROW), metadata=[("x-request-id", "mine-1"), ("traceparent", TRACE)]
        )
        assert outcome.trailing["x-request-id"] == "mine-1"
        rejected = client.infer(typed("nope", BEER_ROW))
    lines = {line.get("request_id"): line for line in program.lines(rejected.trailing["x-request-id"])}
    line = lines["mine-1"]
    assert (line["method"], line["route"], line["status"]) == ("GRPC", f"{INFERENCE}ModelInfer", 0)
    assert (line["traceparent"], line["key_id"]) == (TRACE, "default")
    assert lines[rejected.trailing["x-request-id"]]["status"] == NOT_FOUND.value[0]
    metrics = program.send(request("GET", "/metrics", [("X-API-Key", KEY)])).body.decode()
    assert f'grpc_requests_total{{method="{INFERENCE}ModelInfer",code="OK"}} 1' in metrics
    assert 'grpc_requests_refused_total{reason="model_not_found"} 1' in metrics
    assert "grpc_requests_in_progress 0" in metrics


@pytest.mark.alone
def test_a_call_that_the_client_ends_is_logged_as_cancelled_or_late(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    with caller(program.rpc()) as client:
        watch = client.channel.unary_stream(f"{HEALTH}Watch")
        left = watch(b"", metadata=(("x-request-id", "left"),))
        next(iter(left))
        left.cancel()
        late = watch(b"", metadata=(("x-request-id", "late"),), timeout=0.5)
        with pytest.raises(grpc.RpcError):
            list(late)
    lines = {line.get("request_id"): line for line in program.lines('"left"') + program.lines('"late"')}
    assert lines["left"]["status"] == grpc.StatusCode.CANCELLED.value[0]
    assert lines["late"]["status"] == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]


def test_an_occupied_port_is_exit_code_1_with_advice(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = start(API_KEY=KEY, PORT="0", GRPC_PORT=str(port))
        assert program.exit_code() == 1
    line = json.loads(program.errors.splitlines()[-1])
    assert f"port {port}: address already in use; set GRPC_PORT to another port" in line["message"]


def test_two_programs_cannot_share_a_port(start: Start) -> None:
    first = start(API_KEY=KEY, PORT="0")
    port = first.rpc().rpartition(":")[2]
    assert start(API_KEY=KEY, PORT="0", GRPC_PORT=port).exit_code() == 1


def test_the_grpc_server_can_be_turned_off(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", GRPC_ENABLED="false")
    program.port()
    assert "grpc" not in program.errors
    maps = Path(f"/proc/{program.process.pid}/maps").read_text()
    assert "cygrpc" not in maps and "onnxruntime" in maps


def test_reflection_can_be_turned_off(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", GRPC_REFLECTION="false")
    with caller(program.rpc()) as client:
        outcome = client.call("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", b"\x3a\x00")
    assert outcome.code is grpc.StatusCode.UNIMPLEMENTED
