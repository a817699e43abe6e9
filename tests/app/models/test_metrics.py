"""Model metrics: rows, and their values over the deciles of the training data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bundle.distribution import KEY, bins_of
from app.bundle.manifest import Manifest
from app.bundle.store import Bundle
from app.models.metrics import BULK, MISSING, ModelMetrics
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Registry

PLAIN = tuple(float(number) for number in range(1, 10))
TIED = (4.0, 4.2, 4.4, 4.4, 4.4, 4.5, 4.6, 4.8, 5.0)
SWITCH = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def manifest(bundle: Bundle) -> Manifest:
    """The beer model's manifest: plain deciles, one input without any, ties, and a switch."""
    deciles = {"abv": PLAIN, "ph": TIED, "srm": SWITCH}
    inputs = tuple(
        declared.model_copy(
            update={
                "deciles": deciles.get(declared.name),
                "trained_range": (0.0, 1.0) if declared.name == "srm" else (0.0, 99.0),
            }
        )
        for declared in bundle.manifest.inputs
    )
    values = {name: value for name, value in bundle.manifest.metrics.values.items() if name != KEY}
    metrics = bundle.manifest.metrics.model_copy(update={"values": values})  # of an unknown distribution
    return bundle.manifest.model_copy(update={"inputs": inputs, "metrics": metrics})


def _counted(registry: Registry, family: str, of: str) -> dict[str, float]:
    lines = exposition(registry).decode().splitlines()
    matching = [x for x in lines if x.startswith(f"{family}{{") and f'input="{of}"' in x]
    return {x.split('bin="')[1].split('"')[0]: float(x.rsplit(" ", 1)[1]) for x in matching}


def _rows(**columns: list[float]) -> np.ndarray:
    names = ("abv", "target_og", "target_fg", "ebc", "srm", "ph")
    count = len(next(iter(columns.values())))
    return np.array([columns.get(name, [50.0] * count) for name in names], dtype=np.float32).T


def test_a_value_equal_to_a_decile_is_counted_in_the_lower_bin(manifest: Manifest) -> None:
    registry = Registry()
    model_metrics = ModelMetrics(registry, manifest)
    for ph in 4.4, 4.4000006, float("nan"), 2.0, 7.0:
        model_metrics.observe({"features": _rows(ph=[ph])}, 0.001)
    counted = _counted(registry, "model_input_values_total", "ph")
    assert counted == {"1": 1, "2": 0, "5": 1, "6": 1, "7": 0, "8": 0, "9": 0, "10": 1, MISSING: 1}


def test_equal_deciles_share_a_bin(manifest: Manifest) -> None:
    registry = Registry()
    ModelMetrics(registry, manifest)
    expected = _counted(registry, "model_input_expected_ratio", "ph")
    assert expected == pytest.approx({str(n): 0.1 for n in (1, 2, 6, 7, 8, 9, 10)} | {"5": 0.3})
    switch = _counted(registry, "model_input_expected_ratio", "srm")
    assert switch == pytest.approx({"7": 0.7, "9": 0.3, "10": 0.0})


def test_expected_ratios_are_exact_where_the_distribution_is_known(bundle: Bundle) -> None:
    registry = Registry()
    ModelMetrics(registry, bundle.manifest)
    abv = _counted(registry, "model_input_expected_ratio", "abv")
    assert abv["1"] == pytest.approx(35 / 256, abs=1e-4)  # as many of the beers have 4.5 % vol or less
    assert abv[MISSING] == 0
    assert _counted(registry, "model_input_expected_ratio", "ebc")[MISSING] == pytest.approx(3 / 256, abs=1e-4)


def test_expected_ratios_are_the_shares_of_the_training_data(manifest: Manifest) -> None:
    random = np.random.default_rng(7)
    values = random.choice([3.9, 4.2, 4.4, 4.6, 5.1], 9_000, p=[0.05, 0.3, 0.35, 0.2, 0.1]).astype(np.float32)
    deciles = tuple(np.quantile(values.astype(float), np.arange(1, 10) / 10).tolist())
    declared = manifest.inputs[5].model_copy(update={"deciles": deciles, "trained_range": (3.9, float(values.max()))})
    bounds, bins = bins_of(declared)
    shares = np.bincount(np.searchsorted(bounds, values), minlength=len(bins)) / len(values)
    for share, (_, expected) in zip(shares, bins, strict=True):
        assert share == pytest.approx(expected, abs=0.1)


VALUES = st.one_of(st.floats(0, 12, width=32), st.just(float("nan")), st.sampled_from(PLAIN))


def _of_rows(registry: Registry) -> list[str]:
    """All figures but those of runs, of which a batch is one."""
    return [line for line in exposition(registry).decode().splitlines() if "execution" not in line]


@given(st.lists(VALUES, min_size=2), st.sampled_from([1, BULK]))
def test_a_batch_is_counted_like_single_rows(manifest: Manifest, some: list[float], times: int) -> None:
    values = some * times
    alone, together = Registry(), Registry()
    model_metrics = ModelMetrics(alone, manifest)
    for value in values:
        model_metrics.observe({"features": _rows(abv=[value])}, 0.001)
    ModelMetrics(together, manifest).observe({"features": _rows(abv=values)}, 0.001)
    assert _of_rows(alone) == _of_rows(together)
    assert sum(_counted(together, "model_input_values_total", "abv").values()) == len(values)


def test_an_input_without_deciles_is_not_counted_but_its_row_is(manifest: Manifest) -> None:
    registry = Registry()
    ModelMetrics(registry, manifest).observe({"features": _rows(abv=[1.0, 2.0])}, 0.001)
    text = exposition(registry).decode()
    assert 'input="target_og"' not in text
    assert f'model_predictions_total{{model="beer-ibu",version="{manifest.version}"}} 2\n' in text


def test_inputs_that_are_not_packed_are_counted_by_name(manifest: Manifest) -> None:
    registry = Registry()
    loose = manifest.model_copy(update={"packed": None})
    ModelMetrics(registry, loose).observe({i.name: np.full((3, 1), 1.5, np.float32) for i in loose.inputs}, 0.001)
    assert _counted(registry, "model_input_values_total", "abv")["2"] == 3


def test_only_the_active_version_is_reported_as_active(manifest: Manifest) -> None:
    registry = Registry()
    old = ModelMetrics(registry, manifest)
    old.activate()
    old.retire()
    ModelMetrics(registry, manifest.model_copy(update={"version": "next"})).activate()
    lines = [x for x in exposition(registry).decode().splitlines() if x.startswith("model_info")]
    assert [('version="next"' in x, x[-2:]) for x in lines] == [(False, " 0"), (True, " 1")]
