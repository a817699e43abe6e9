"""A model server that puts pictures together: each caller has its own answer, its own fault and its own end."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
import pytest

import app.rpc  # noqa: F401  # before gRPC: keeps its core from writing to stderr
from app.bundle.store import highest, read_bundle
from app.inference.onnx import OnnxPredictor
from app.inference.predictor import Array
from app.rpc._pb import open_inference_pb2 as pb
from tests.known import KEY, REPOSITORY
from tests.live.conftest import Start
from tests.live.program import SERVE, Program
from tests.live.rpc import INFERENCE, PATIENCE
from tests.live.test_metrics_live import figures

CALLERS = 16
MOST = 4
ROUNDS = 4
KEYED = (("x-api-key", KEY),)
PETS = read_bundle(highest(REPOSITORY / "models", "cat-dog"))
NEAR = 1e-6
"""Far within the bundle's tolerance, and far below what one picture's answer is from another's."""
LABELS = f'{{model="cat-dog",version="{PETS.manifest.version}"}}'
Infer = Callable[..., Coroutine[Any, Any, Any]]


def models(start: Start, **more: str) -> Program:
    """A model server that may put so many pictures together."""
    batching = {"MAX_BATCH_SIZE": str(MOST), "MAX_BATCH_TIME": "1"} | more
    return start(command=(*SERVE, "--role", "model-server"), API_KEY=KEY, PORT="0", **batching)


def picture(seed: int, rows: int = 1) -> Array:
    """Noise: each seed's is answered otherwise."""
    low, high = sorted(np.random.default_rng(seed).uniform(-1, 1, 2))
    drawn = np.random.default_rng(seed + 1000).uniform(low, high, (rows, *PETS.manifest.inputs[0].shape[1:]))
    return drawn.astype(np.float32)


def message(rows: Array, name: str = "image", number: int = 0) -> pb.ModelInferRequest:
    """A call with one raw tensor."""
    asked = pb.ModelInferRequest(model_name="cat-dog", id=f"call-{number}", raw_input_contents=[rows.tobytes()])
    asked.inputs.add(name=name, datatype="FP32", shape=rows.shape)
    return asked


def given(told: pb.ModelInferResponse) -> Array:
    """The probabilities of an answer."""
    return np.frombuffer(told.raw_output_contents[0], np.float32).reshape(told.outputs[0].shape)


@dataclass
class Told:
    """What callers came to."""

    answers: list[tuple[int, pb.ModelInferResponse]] = field(default_factory=list)
    codes: list[tuple[int, grpc.StatusCode]] = field(default_factory=list)


async def ask(address: str, asked: Sequence[pb.ModelInferRequest], rounds: int, timeout: float = PATIENCE) -> Told:
    """A caller a message, all at once, each again and again on a connection of its own."""
    told = Told()

    async def call(number: int, each: pb.ModelInferRequest) -> None:
        own = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, own) as channel:
            infer = channel.unary_unary(
                f"{INFERENCE}ModelInfer", pb.ModelInferRequest.SerializeToString, pb.ModelInferResponse.FromString
            )
            for _ in range(rounds):
                try:
                    told.answers.append((number, await infer(each, metadata=KEYED, timeout=timeout)))
                except grpc.aio.AioRpcError as error:
                    told.codes.append((number, error.code()))

    await asyncio.gather(*(call(number, each) for number, each in enumerate(asked)))
    return told


def run(address: str, asked: Sequence[pb.ModelInferRequest], rounds: int = ROUNDS, timeout: float = PATIENCE) -> Told:
    return asyncio.run(ask(address, asked, rounds, timeout))


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Array, Array]]:
    """A picture for each caller, and what the model gives it by itself: an answer to another's would be seen."""
    predictor, found = OnnxPredictor(PETS), []
    for seed in range(1000):
        right = predictor.predict({"image": picture(seed)})["probabilities"]
        if all(np.abs(right - other).max() > 100 * NEAR for _, other in found):
            found.append((picture(seed), right))
        if len(found) == CALLERS:
            break
    return found


@pytest.fixture(scope="module")
def alone(drawn: list[tuple[Array, Array]]) -> list[Array]:
    """What the model gives each caller's picture."""
    return [right for _, right in drawn]


@pytest.fixture(scope="module")
def pictures(drawn: list[tuple[Array, Array]]) -> list[pb.ModelInferRequest]:
    """A call for each caller's picture."""
    assert len(drawn) == CALLERS
    return [message(rows, number=number) for number, (rows, _) in enumerate(drawn)]


def are_right(told: Told, alone: list[Array]) -> bool:
    """Whether everyone has the answer to its own picture, under its own id."""
    return all(
        each.id == f"call-{number}" and np.abs(given(each) - alone[number]).max() <= NEAR
        for number, each in told.answers
    )


def test_sixteen_callers_share_runs_and_each_gets_its_own_answer(
    start: Start, pictures: list[pb.ModelInferRequest], alone: list[Array]
) -> None:
    server = models(start)
    told = run(server.rpc(), pictures)
    assert not told.codes and len(told.answers) == CALLERS * ROUNDS
    assert are_right(told, alone)
    seen = figures(server)
    runs = seen[f"model_batch_rows_count{LABELS}"]
    assert seen[f"model_batch_rows_sum{LABELS}"] == CALLERS * ROUNDS == seen[f"model_predictions_total{LABELS}"]
    assert runs == seen[f"model_executions_total{LABELS}"] < CALLERS * ROUNDS, "some shared a run"
    assert seen[f'model_batch_rows_bucket{LABELS[:-1]},le="{MOST}"}}'] == runs, "none was larger than it may be"


def test_without_the_setting_each_call_has_a_run_of_its_own(
    start: Start, pictures: list[pb.ModelInferRequest], alone: list[Array]
) -> None:
    server = models(start, MAX_BATCH_SIZE="1")
    told = run(server.rpc(), pictures)
    assert not told.codes and are_right(told, alone)
    seen = figures(server)
    assert seen[f"model_executions_total{LABELS}"] == CALLERS * ROUNDS
    assert not any(name.startswith("model_batch_rows") for name in seen)


def test_a_bad_call_among_good_ones_fails_alone(
    start: Start, pictures: list[pb.ModelInferRequest], alone: list[Array]
) -> None:
    bad = {
        3: message(np.full_like(picture(0), np.nan), number=3),
        6: message(picture(6)[:, :64], number=6),
        9: message(picture(9), name="photo", number=9),
        12: message(np.full_like(picture(0), 3e38), number=12),  # only the answer shows what it is
    }
    server = models(start)
    told = run(server.rpc(), [bad.get(number, each) for number, each in enumerate(pictures)])
    assert {number for number, _ in told.codes} == set(bad)
    assert {code for _, code in told.codes} == {grpc.StatusCode.INVALID_ARGUMENT}
    assert len(told.codes) == len(bad) * ROUNDS and len(told.answers) == (CALLERS - len(bad)) * ROUNDS
    assert are_right(told, alone)
    assert figures(server)[f"model_calls_refused_total{LABELS}"] == len(told.codes)


def test_a_call_that_fills_a_run_by_itself_shares_none(start: Start, pictures: list[pb.ModelInferRequest]) -> None:
    server = models(start)
    many = picture(0, MOST + 2)
    told = run(server.rpc(), [message(many)] * 2 + pictures[:2], 2)
    right = OnnxPredictor(PETS).predict({"image": many})["probabilities"]
    large = [given(each) for number, each in told.answers if number < 2]
    assert len(large) == 4 and all(np.abs(each - right).max() <= NEAR for each in large)
    assert figures(server)[f"model_batch_rows_sum{LABELS}"] == 4


def test_who_leaves_or_is_too_late_hurts_nobody(
    start: Start, pictures: list[pb.ModelInferRequest], alone: list[Array]
) -> None:
    server = models(start, MAX_WAITING="64")
    address = server.rpc()

    async def both() -> tuple[Told, Told]:
        hasty, patient = ask(address, pictures[:8], 10, timeout=0.02), ask(address, pictures, ROUNDS)
        return tuple(await asyncio.gather(hasty, patient))  # type: ignore[return-value]

    hasty, patient = asyncio.run(both())
    assert {code for _, code in hasty.codes} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert not patient.codes and are_right(patient, alone) and len(patient.answers) == CALLERS * ROUNDS
    again = run(address, pictures, 1)
    assert not again.codes and are_right(again, alone), "no place is lost"


def test_on_sigterm_calls_in_work_are_answered(start: Start, pictures: list[pb.ModelInferRequest]) -> None:
    server = models(start)
    address = server.rpc()

    async def told_to_stop() -> Told:
        asking = asyncio.create_task(ask(address, pictures, 30))
        await asyncio.to_thread(server.lines_with, '"method": "GRPC"', 40)
        server.process.send_signal(signal.SIGTERM)
        return await asking

    told = asyncio.run(told_to_stop())
    assert server.ended() == 0
    assert {code for _, code in told.codes} == {grpc.StatusCode.UNAVAILABLE}
    answered = server.errors.count('"route": "/inference.GRPCInferenceService/ModelInfer", "status": 0')
    assert len(told.answers) == answered == server.errors.count('"method": "GRPC"'), "what began was answered"
    assert "Traceback" not in server.errors
