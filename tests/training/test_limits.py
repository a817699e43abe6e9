"""Limits that a run's own figures show."""

import pytest

from training.limits import own_limits


def band(low: float, high: float, rows: int, bias: float, coverage: float) -> dict[str, float]:
    return {"from": low, "to": high, "rows": rows, "bias": bias, "coverage": coverage}


def limits(manifest, groups=200, ranges=None, coverage=0.9, bands=(), rows=256):
    data = manifest.training_data.model_copy(update={"rows_used": rows})
    inputs = tuple(
        declared.model_copy(update={"trained_range": (ranges or {}).get(declared.name, (0.0, 9.0))})
        for declared in manifest.inputs
    )
    metrics = manifest.metrics.model_copy(update={"values": {"bands": list(bands), "coverage": coverage}})
    update = {"training_data": data, "inputs": inputs, "metrics": metrics, "coverage": 0.9}
    return own_limits(manifest.model_copy(update=update), groups)


@pytest.fixture(scope="module")
def manifest(trainer, trained):
    return trainer.manifest(trained, "1")


def test_a_good_model_has_no_limits_of_its_own(manifest):
    assert limits(manifest, bands=[band(3, 20, 50, 1, 0.9), band(20, 40, 50, -1, 0.88)]) == []


def test_few_beers_are_said_to_be_few(manifest):
    assert limits(manifest, groups=40, rows=60) == [
        "It knows 60 beers in 40 groups: with other beers the figures may be far from these."
    ]


def test_bias_and_missing_coverage_name_their_bands(manifest):
    bands = [band(3, 20, 17, 31.9, 0.52), band(20, 40, 60, 1, 0.9), band(40, 60, 60, -9, 0.95), band(60, 80, 4, -50, 0)]
    assert limits(manifest, bands=bands, coverage=0.8) == [
        "On average it is too high for beers of 3-20 IBU and too low for beers of 40-60 IBU (bias by band).",
        "The interval promises 90% and holds 80.0% of held-out beers.",
        "The interval holds less than it promises for beers of 3-20 IBU (52%).",
    ]


def test_inputs_that_teach_nothing_are_named(manifest):
    assert limits(manifest, ranges={"ph": None, "srm": None, "ebc": (20.0, 20.0)}) == [
        "No beer of the training data states srm, ph: nothing was learnt from it.",
        "All beers of the training data have the same ebc: nothing was learnt from it.",
    ]
