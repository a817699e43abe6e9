"""The predictor: a bundle with correct digests is rejected if its model differs from the manifest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.bundle.manifest import MODEL, Manifest, parse_manifest
from app.bundle.store import Bundle
from app.errors import BundleError
from app.runtime.golden import check_golden, pack
from app.runtime.onnx import OnnxPredictor

onnx = pytest.importorskip("onnx", reason="models of other shapes are made with the package onnx")


def with_manifest(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> Bundle:
    plain = bundle.manifest.model_dump(mode="json")
    change(plain)
    return replace(bundle, manifest=Manifest.model_validate(plain))


def model_with(bundle: Bundle, change: Callable[[Any], object]) -> Bundle:
    graph = onnx.load_from_string(bundle.files[MODEL])
    change(graph)
    return replace(bundle, files={**bundle.files, MODEL: graph.SerializeToString()})


def rename(graph: Any, kind: str, new: str) -> None:
    value = getattr(graph.graph, kind)[0]
    for node in graph.graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == value.name:
                    names[i] = new
    value.name = new


def refusal(bundle: Bundle) -> str:
    with pytest.raises(BundleError) as caught:
        OnnxPredictor(bundle)
    assert str(bundle.folder) in str(caught.value)
    return str(caught.value)


def test_the_golden_rows_give_the_golden_outputs(bundle: Bundle, predictor: OnnxPredictor) -> None:
    golden = bundle.manifest.golden
    outputs = predictor.predict(pack(bundle.manifest, golden.inputs))
    for name, expected in golden.outputs.items():
        assert outputs[name].ravel() == pytest.approx(expected, rel=0, abs=golden.tolerance)
        assert np.isfinite(outputs[name]).all()


@pytest.mark.parametrize("output", ["ibu", "lower", "upper"])
def test_golden_rows_that_differ_are_rejected(bundle: Bundle, output: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["golden"]["outputs"][output][0] += 10 * manifest["golden"]["tolerance"]

    assert f"output {output} differs from what it was" in refusal(with_manifest(bundle, change))


def test_golden_rows_without_an_output_are_rejected(bundle: Bundle) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["golden"]["outputs"]["ibu"][0] = None

    assert "output ibu" in refusal(with_manifest(bundle, change))


def test_golden_rows_of_different_lengths_are_rejected(bundle: Bundle) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["golden"]["inputs"]["abv"].append(5.0)

    assert "golden rows cannot be run" in refusal(with_manifest(bundle, change))


def test_too_few_golden_outputs_are_rejected_and_not_broadcast(bundle: Bundle) -> None:
    def change(manifest: dict[str, Any]) -> None:
        for values in manifest["golden"]["inputs"].values():
            values[:] = [values[0], values[0]]
        for values in manifest["golden"]["outputs"].values():
            values[:] = values[:1]

    assert "golden rows" in refusal(with_manifest(bundle, change))


@pytest.mark.parametrize("model", [b"", b"\0", b"garbage", b"\xff" * 4096], ids=["empty", "nul", "text", "ff"])
def test_a_file_that_is_not_a_model_is_rejected(bundle: Bundle, model: bytes) -> None:
    assert "model.onnx cannot be loaded" in refusal(replace(bundle, files={**bundle.files, MODEL: model}))


def test_a_truncated_model_is_rejected(bundle: Bundle) -> None:
    whole = bundle.files[MODEL]
    assert "model.onnx" in refusal(replace(bundle, files={**bundle.files, MODEL: whole[: len(whole) // 2]}))


def test_a_model_with_other_inputs_is_rejected(bundle: Bundle) -> None:
    other = model_with(bundle, lambda graph: rename(graph, "input", "something_else"))
    assert "model.onnx: its inputs differ from those in the manifest" in refusal(other)


def test_a_model_without_a_declared_output_is_rejected(bundle: Bundle) -> None:
    other = model_with(bundle, lambda graph: rename(graph, "output", "something_else"))
    assert "model.onnx: output " in refusal(other) and "is missing" in refusal(other)


def test_a_model_with_other_weights_is_rejected(bundle: Bundle) -> None:
    """Swaps the names of two outputs: the graph is sound, and wrong."""

    def change(graph: Any) -> None:
        lower, upper = (next(o for o in graph.graph.output if o.name == name) for name in ("lower", "upper"))
        rename_all = {"lower": "upper", "upper": "lower"}
        for node in graph.graph.node:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    names[i] = rename_all.get(name, name)
        lower.name, upper.name = upper.name, lower.name

    assert "golden rows" in refusal(model_with(bundle, change))


def test_unpacked_inputs_are_passed_one_by_one(bundle: Bundle) -> None:
    manifest = bundle.manifest.model_copy(update={"packed": None})
    arrays = pack(manifest, bundle.manifest.golden.inputs)
    assert list(arrays) == [i.name for i in manifest.inputs]
    packed = pack(bundle.manifest, bundle.manifest.golden.inputs)
    assert np.array_equal(np.concatenate(list(arrays.values()), axis=1), next(iter(packed.values())), equal_nan=True)


def test_a_missing_value_is_packed_as_nan(bundle: Bundle) -> None:
    inputs: dict[str, Any] = {name: [[5.0], [None]] for name in bundle.manifest.golden.inputs}
    (packed,) = pack(bundle.manifest, inputs).values()
    assert packed.dtype == np.float32
    assert np.isnan(packed).tolist() == [[False] * 6, [True] * 6]


def test_the_manifest_survives_being_written_and_read(bundle: Bundle) -> None:
    assert parse_manifest(bundle.manifest.to_json()) == bundle.manifest


def test_check_golden_accepts_the_trained_model(predictor: OnnxPredictor) -> None:
    check_golden(predictor)


@pytest.mark.parametrize(
    ("tolerance", "largest", "good"), [(0.05, 1, True), (0.06, 1, False), (1, 100, True), (1.1, 100, False)]
)
def test_the_tolerance_of_golden_rows_is_bounded(bundle: Bundle, tolerance: float, largest: float, good: bool) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["golden"]["tolerance"] = tolerance
        for values in manifest["golden"]["outputs"].values():
            values[:] = [min(value, largest) for value in values[:-1]] + [largest]

    if good:
        with_manifest(bundle, change)
    else:
        with pytest.raises(ValueError, match="the tolerance of the golden rows is too large"):
            with_manifest(bundle, change)


@pytest.mark.parametrize("values", [[], [None]])
def test_an_output_without_golden_rows_is_rejected(bundle: Bundle, values: list[None]) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["golden"]["outputs"]["ibu"] = values

    with pytest.raises(ValueError, match="an output has no golden rows"):
        with_manifest(bundle, change)


@pytest.mark.parametrize(("rows", "good"), [(8192, True), (8193, False), (0, False)])
def test_the_work_of_an_explanation_is_bounded(bundle: Bundle, rows: int, good: bool) -> None:
    """The model has three groups: eight coalitions."""

    def change(manifest: dict[str, Any]) -> None:
        for name, values in manifest["explanation"]["background"].items():
            manifest["explanation"]["background"][name] = values[:1] * rows

    if good:
        with_manifest(bundle, change)
    else:
        with pytest.raises(ValueError, match="groups and background are too large"):
            with_manifest(bundle, change)
