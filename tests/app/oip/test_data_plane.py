"""The data plane: valid calls, their answers, and why calls are rejected."""

import asyncio
import threading

import numpy as np
import pytest

from app.bundle.store import read_bundle
from app.domains.beer.api import RECIPE, STYLE, VITALS, BeerApi
from app.errors import InputError, InvalidOutput, ModelNotFound, ModelNotReady, TooLate
from app.models.manager import ModelManager
from app.oip.data_plane import FAST_ROWS, DataPlane, InferAnswer, InferCall
from app.oip.tensors import Tensor
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array, Arrays
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.exposition import exposition
from tests.committed import VERSIONS, committed
from tests.model_manager import model_manager

pytestmark = pytest.mark.anyio
NAMES = ("abv", "target_og", "target_fg", "ebc", "srm", "ph")
PICTURES = "cat-dog"
BEER = (5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4)
NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def manager() -> ModelManager:
    """The two beer models."""
    manager = model_manager(BeerApi)
    for name in manager.names:
        manager.add(OnnxPredictor(read_bundle(committed(name))))
    return manager


@pytest.fixture
def plane(manager: ModelManager) -> DataPlane:
    """The data plane over them."""
    return DataPlane(manager, BoundedThreadPool())


def tensor(name: str, *values: float, shape: tuple[int, ...] = (-1, 1), datatype: str = "FP32") -> Tensor:
    return Tensor(name, datatype, np.array(values, np.float32).reshape(shape))


def named(*rows: tuple[float, ...], leave_out: str = "") -> list[Tensor]:
    return [
        tensor(name, *column) for name, column in zip(NAMES, zip(*rows, strict=True), strict=True) if name != leave_out
    ]


def packed(*rows: tuple[float, ...]) -> list[Tensor]:
    return [Tensor("features", "FP32", np.array(rows, np.float32))]


async def ask(plane: DataPlane, inputs: list[Tensor], *outputs: str) -> InferAnswer:
    return await plane.infer(InferCall(VITALS, None, inputs, outputs))


async def test_named_and_packed_inputs_get_the_same_answer(plane: DataPlane) -> None:
    rows = [BEER, (8.2, 1075.0, 1012.0, NAN, 8.0, NAN)]
    one, other = await ask(plane, named(*rows)), await ask(plane, packed(*rows))
    assert [output.name for output, _ in one.outputs][:3] == ["ibu", "lower", "upper"]
    for (_, left), (_, right) in zip(one.outputs, other.outputs, strict=True):
        assert left.shape == (2, 1) and np.array_equal(left, right)


async def test_an_optional_input_that_is_left_out_is_missing(plane: DataPlane) -> None:
    without = await ask(plane, named(BEER, leave_out="ph"))
    missing = await ask(plane, packed((*BEER[:5], NAN)))
    assert np.array_equal(without.outputs[0][1], missing.outputs[0][1])


async def test_the_requested_outputs_are_returned_in_order(plane: DataPlane) -> None:
    answer = await ask(plane, packed(BEER), "upper", "ibu")
    assert [output.name for output, _ in answer.outputs] == ["upper", "ibu"]


async def test_many_rows_get_the_same_answers_in_the_thread_pool(plane: DataPlane) -> None:
    rows = [(4 + n / 100, 1050.0, 1010.0, 17.0, 8.6, 4.4) for n in range(FAST_ROWS + 1)]
    together = (await ask(plane, packed(*rows))).outputs[0][1]
    alone = [(await ask(plane, packed(row))).outputs[0][1][0, 0] for row in rows]
    assert together[:, 0].tolist() == alone


async def test_alcohol_that_is_left_out_follows_from_the_gravities(plane: DataPlane) -> None:
    stated = await ask(plane, packed((131.25 * 0.043, *BEER[1:]), BEER))
    for inputs in packed((NAN, *BEER[1:]), BEER), named((NAN, *BEER[1:]), BEER):
        answer = await ask(plane, inputs)
        assert [array.tolist() for _, array in answer.outputs] == [array.tolist() for _, array in stated.outputs]
    alone = await ask(plane, named(BEER, leave_out="abv"))
    assert alone.outputs[0][1][0] == stated.outputs[0][1][0]


async def test_rows_are_corrected_as_the_domain_api_corrects_them(plane: DataPlane) -> None:
    wort_ph, without = (*BEER[:5], 6.5), (*BEER[:5], NAN)
    wrong, right = await ask(plane, packed(BEER, wort_ph)), await ask(plane, packed(BEER, without))
    assert [array.tolist() for _, array in wrong.outputs] == [array.tolist() for _, array in right.outputs]
    assert wrong.warnings and not right.warnings


async def test_warnings_are_those_of_the_domain_api_with_their_rows(plane: DataPlane) -> None:
    answer = await ask(plane, packed(BEER, (*BEER[:3], 100.0, 8.6, 6.9)))
    assert [(row, warning["code"], warning["field"]) for row, warning in answer.warnings] == [
        (1, "outside_trained_range", "ph"),
        (1, "colour_mismatch", "ebc"),
    ]


@pytest.mark.parametrize(
    ("field", "code", "inputs"),
    [
        ("inputs.target_og", "missing", named(BEER, leave_out="target_og")),
        ("inputs.target_og", "missing", []),
        ("inputs", "unknown", [*named(BEER), tensor("hops", 1)]),
        ("inputs", "unknown", [*packed(BEER), tensor("abv", 1)]),
        ("inputs", "doubled", [*named(BEER), tensor("abv", 1)]),
        ("inputs.abv", "datatype", [*named(BEER, leave_out="abv"), tensor("abv", 1, datatype="FP64")]),
        ("inputs.abv", "rank", [*named(BEER, leave_out="abv"), tensor("abv", 1, shape=(1,))]),
        ("inputs.abv", "shape", [*named(BEER, leave_out="abv"), tensor("abv", 1, 2, shape=(1, 2))]),
        ("inputs", "shape", [*named(BEER, leave_out="abv"), tensor("abv", 1, 2)]),
        ("inputs.abv", "rows", [tensor(name) for name in NAMES]),
        ("inputs.features", "shape", [tensor("features", *BEER[:5], shape=(1, 5))]),
        ("inputs.target_og", "finite_number", packed(BEER, (BEER[0], NAN, *BEER[2:]))),
        ("inputs.abv", "finite_number", packed(BEER, (float("inf"), *BEER[1:]))),
        ("inputs.ph", "finite_number", packed((*BEER[:5], float("inf")))),
        ("inputs.abv", "out_of_bounds", packed((71.0, *BEER[1:]))),
        ("inputs.target_og", "out_of_bounds", packed((5.6, 1.056, 1013.0, *BEER[3:]))),
        ("inputs.target_fg", "gravities_swapped", packed((5.6, 1013.0, 1056.0, *BEER[3:]))),
    ],
)
async def test_a_call_that_does_not_fit_the_signature_is_rejected(
    plane: DataPlane, field: str, code: str, inputs: list[Tensor]
) -> None:
    with pytest.raises(InputError) as error:
        await ask(plane, inputs)
    assert (error.value.problems[0].field, error.value.problems[0].code) == (field, code)


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            [*named(BEER, leave_out="target_og")[1:-1], tensor("abv", 1, datatype="FP64"), tensor("ph", 1, shape=(1,))],
            [("target_og", "missing"), ("abv", "datatype"), ("ph", "rank")],
        ),
        (packed((5, NAN, 1013, *BEER[3:]), (INF, 1056, NAN, *BEER[3:])), [(n, "finite_number") for n in NAMES[:3]]),
        (
            packed((71, *BEER[1:]), (5, 1013, 1056, *BEER[3:]), (5, 1, 1056, *BEER[3:])),
            [("abv", "out_of_bounds"), ("target_og", "out_of_bounds"), ("target_fg", "gravities_swapped")],
        ),
    ],
)
async def test_a_call_learns_of_all_wrong_inputs_at_once(
    plane: DataPlane, inputs: list[Tensor], expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(InputError) as error:
        await ask(plane, inputs)
    found = [(problem.field, problem.code) for problem in error.value.problems]
    assert found == [(f"inputs.{name}", code) for name, code in expected]


@pytest.mark.parametrize(("names", "code"), [(("bitterness",), "unknown"), (("ibu", "ibu"), "doubled")])
async def test_unknown_outputs_are_rejected(plane: DataPlane, names: tuple[str, ...], code: str) -> None:
    with pytest.raises(InputError) as error:
        await ask(plane, packed(BEER), *names)
    assert error.value.problems[0].code == code


@pytest.fixture(scope="module")
def pictures() -> DataPlane:
    """The data plane over a model that takes its one input by name."""
    manager = model_manager(names=[PICTURES])
    manager.add(OnnxPredictor(read_bundle(committed(PICTURES))))
    return DataPlane(manager, BoundedThreadPool())


def picture(value: float, *wrong: float) -> list[Tensor]:
    rows = np.full((1 + len(wrong), 128, 128, 3), value, np.float32)
    for row, other in enumerate(wrong, 1):
        rows[row, 64, 64, 1] = other
    return [Tensor("image", "FP32", rows)]


async def test_a_picture_is_answered_in_the_thread_pool(pictures: DataPlane) -> None:
    call = InferCall(PICTURES, None, picture(0.0))
    assert pictures.is_slow(call)
    (_, shares), (_, mass) = (await pictures.infer(call)).outputs
    assert shares.shape == (1, 2) and shares.sum() == pytest.approx(1.0, abs=1e-5)
    assert mass.shape == (1, 1) and mass[0, 0] < 0.1  # plain grey shows neither


@pytest.mark.parametrize(
    ("field", "code", "reason", "inputs"),
    [
        ("inputs.image", "finite_number", "row 2: must hold finite numbers", picture(0.0, 0.5, NAN)),
        ("inputs.image", "finite_number", "row 1: must hold finite numbers", picture(0.0, -np.inf)),
        ("inputs", "no_answer", "holds numbers to which the model has no finite answer", picture(3e38)),
    ],
    ids=["NaN", "infinite", "too large"],
)
async def test_a_picture_without_a_finite_answer_is_rejected(
    pictures: DataPlane, field: str, code: str, reason: str, inputs: list[Tensor]
) -> None:
    with pytest.raises(InputError) as error:
        await pictures.infer(InferCall(PICTURES, None, inputs))
    (problem,) = error.value.problems
    assert (problem.field, problem.code, problem.reason) == (field, code, reason)


class _BadAt(OnnxPredictor):
    """A model whose interval for beers of 4.25 % is infinite, as that of a bad bundle may be."""

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        outputs = super().predict(inputs, timeout)
        outputs["upper"][inputs["features"][:, 0] == 4.25] = np.inf
        return outputs


async def test_an_output_for_a_valid_row_that_is_no_number_is_the_models_fault() -> None:
    manager = model_manager(BeerApi)
    manager.add(_BadAt(read_bundle(committed(VITALS))))
    plane = DataPlane(manager, BoundedThreadPool())
    bad = (4.25, *BEER[1:])
    for rows in [bad], [bad] * (FAST_ROWS + 1):
        with pytest.raises(InvalidOutput, match="upper"):
            await ask(plane, packed(*rows))
    answer = await ask(plane, packed(bad), "ibu")
    assert np.isfinite(answer.outputs[0][1]).all()
    assert (
        f'model_invalid_outputs_total{{model="{VITALS}",version="{VERSIONS[VITALS]}"}} 2'
        in exposition(manager.metrics).decode()
    )


async def test_a_call_that_exceeds_its_timeout_is_too_late(manager: ModelManager) -> None:
    thread_pool, go = BoundedThreadPool(size=1, queue=1), threading.Event()
    holding = asyncio.create_task(thread_pool.run(lambda _: go.wait(10), None))
    await asyncio.sleep(0)
    rows = [BEER] * (FAST_ROWS + 1)
    with pytest.raises(TooLate):
        await DataPlane(manager, thread_pool).infer(InferCall(VITALS, None, packed(*rows)), timeout=0.05)
    go.set()
    await holding


async def test_an_unknown_model_or_version_is_not_found(plane: DataPlane) -> None:
    for name, version in (("wine", None), (VITALS, "99"), (VITALS, "../1"), ("../models", None)):
        with pytest.raises(ModelNotFound):
            await plane.infer(InferCall(name, version, packed(BEER)))
        with pytest.raises(ModelNotFound):
            await plane.signature(name, version)


async def test_statistics_count_rows_runs_and_rejected_calls(plane: DataPlane) -> None:
    (before,) = await plane.statistics(VITALS)
    await ask(plane, packed(BEER, BEER))
    with pytest.raises(InputError):
        await ask(plane, [])
    (after,) = await plane.statistics(VITALS, VERSIONS[VITALS])
    assert (after.rows - before.rows, after.executions - before.executions) == (2, 1)
    assert after.failures - before.failures == 1
    assert after.seconds > before.seconds and after.last > 1.7e9
    assert {each.name for each in await plane.statistics()} == {VITALS, RECIPE, STYLE}


async def test_a_model_without_files_can_be_unloaded_but_not_loaded(manager: ModelManager) -> None:
    alone = model_manager(BeerApi, names=[VITALS])
    plane = DataPlane(alone, BoundedThreadPool())
    alone.add(manager.get(VITALS).predictor)
    await plane.unload(VITALS)
    assert not plane.is_ready(VITALS) and plane.index(only_ready=True) == []
    with pytest.raises(ModelNotReady):
        await ask(plane, packed(BEER))
    with pytest.raises(ModelNotReady):
        await plane.load(VITALS)
