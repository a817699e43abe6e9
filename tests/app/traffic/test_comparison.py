"""Comparison of two versions: inputs by name, the first number, and what is no valid answer."""

from typing import Any

import numpy as np
import pytest

from app.bundle.manifest import Input, Manifest
from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError
from app.traffic.comparison import Comparison, InvalidAnswer
from tests.committed import committed


def _with_inputs(manifest: Manifest, names: list[str]) -> Manifest:
    known = {declared.name: declared for declared in manifest.inputs}
    other = Input(name="co2", datatype="FP32", unit="", description="")
    return manifest.model_copy(update={"inputs": tuple(known.get(name, other) for name in names), "version": "2"})


def test_inputs_are_taken_by_name(bundle: Bundle) -> None:
    manifest = bundle.manifest.model_copy(update={"version": "1"})
    names = [declared.name for declared in manifest.inputs]
    rows = np.arange(2 * len(names), dtype=np.float32).reshape(2, -1)
    given = {"features": rows}
    assert Comparison(manifest, manifest).inputs(given)["features"] is rows
    fewer = Comparison(manifest, _with_inputs(manifest, names[2::-1])).inputs(given)
    assert fewer["features"].tolist() == rows[:, 2::-1].tolist()
    with pytest.raises(BundleError, match="version 2 has inputs that version 1 does not have: co2"):
        Comparison(manifest, _with_inputs(manifest, [*names, "co2"]))


def test_every_model_can_be_compared_with_itself() -> None:
    outputs = {}
    for name in "beer-ibu", "beer-ibu-recipe", "beer-ibu-style", "cat-dog", "iris":
        manifest = read_bundle(committed(name)).manifest
        outputs[name] = Comparison(manifest, manifest).output
    assert outputs["beer-ibu"] == "ibu" and outputs["iris"] == "scores" and outputs["cat-dog"] == "probabilities"


def _outputs(bundle: Bundle, ibu: Any) -> dict[str, Any]:
    column = np.array(ibu, np.float32).reshape(-1, 1)
    return {
        declared.name: column if declared.name == "ibu" else np.zeros_like(column)
        for declared in bundle.manifest.outputs
    }


def test_differences_are_by_row(bundle: Bundle) -> None:
    comparison = Comparison(bundle.manifest, bundle.manifest)
    assert comparison.differences(_outputs(bundle, [1, 2]), _outputs(bundle, [1, 22])).tolist() == [0.0, 20.0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_invalid_unless_the_other_one_is_not_either(
    bundle: Bundle, value: float
) -> None:
    comparison = Comparison(bundle.manifest, bundle.manifest)
    with pytest.raises(InvalidAnswer, match="output ibu is not a number"):
        comparison.differences(_outputs(bundle, [1, 2]), _outputs(bundle, [1, value]))
    assert comparison.differences(_outputs(bundle, [1, value]), _outputs(bundle, [1, value])).tolist() == [0.0, 0.0]


def test_another_shape_is_invalid(bundle: Bundle) -> None:
    with pytest.raises(InvalidAnswer, match="another shape"):
        Comparison(bundle.manifest, bundle.manifest).differences(_outputs(bundle, [1, 2]), _outputs(bundle, [1]))
