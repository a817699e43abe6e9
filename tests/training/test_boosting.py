"""Trees, trend and their merging into one booster."""

import numpy as np
import pytest
import xgboost as xgb

from training.beer.vitals import VITALS
from training.boosting import asymmetric_huber, grow, margins, merge
from training.ensemble import train
from training.scale import Scale
from training.spec import Parameters, feature_matrix
from training.trend import HopCurve, Trend, TrendKind, fit_hop_curve, fit_trend, hop_curve_values, trend_values


@pytest.fixture(scope="module")
def features(data):
    return feature_matrix(VITALS, VITALS.defaults, data.inputs)


def test_a_merged_booster_is_the_mean_of_each_target(features, data, quick):
    free = [0] * features.shape[1]
    groups = [
        [grow(features, data.labels, quick.centre, free, seed) for seed in (1, 2, 3)],
        [grow(features, data.labels, quick.quantiles[0], free, 4)],
    ]
    merged = merge(groups, quick.features)
    expected = [np.mean([booster.inplace_predict(features) for booster in group], axis=0) for group in groups]
    assert margins(merged, features) == pytest.approx(np.column_stack(expected), abs=1e-4)
    again = xgb.Booster(model_file=bytearray(merged.save_raw("ubj")))
    assert (margins(again, features) == margins(merged, features)).all()
    assert again.feature_names == list(quick.features)


def test_training_is_reproducible_and_depends_on_the_seed(features, data, quick):
    free = [0] * features.shape[1]
    one, same, other = (bytes(grow(features, data.labels, quick.centre, free, seed).save_raw()) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_loss_estimates_its_level(level):
    target = np.linspace(0, 100, 1001, dtype=np.float32)
    objective = asymmetric_huber(target, 0.01, level)
    at_level, curvature = objective(np.full_like(target, 100 * level), None)
    assert abs(at_level.sum()) < 0.02 * np.abs(at_level).sum()
    assert (curvature > 0).all()


def test_the_trend_is_recovered():
    gravity = np.linspace(1010, 1130, 60, dtype=np.float32)
    labels = trend_values(gravity, Trend(120.0, 80.0))
    labels[:8] += 60
    trend = fit_trend(gravity, labels)
    assert trend_values(gravity, trend) == pytest.approx(trend_values(gravity, Trend(120.0, 80.0)), abs=1.5)


def test_a_logarithmic_target_is_converted_back(data, quick):
    centre = quick.centre.model_copy(update={"trend": False, "delta": 0.3, "rounds": 40})
    parameters = quick.model_copy(update={"target": Scale(kind="log", offset=10.0), "centre": centre, "quantiles": ()})
    values = train(VITALS, parameters, data, parameters.targets, 0, 1).values(data.inputs)[0]
    assert np.corrcoef(values, data.labels)[0, 1] > 0.5
    assert abs(np.median(values - data.labels)) < 3


def test_an_ensemble_depends_on_its_seed_and_meets_its_constraints_without_the_trend(data, quick):
    centre = quick.centre.model_copy(update={"trend": False, "rounds": 60})
    one, other = (train(VITALS, quick, data, (centre,), seed, 2) for seed in (0, 1))
    before = one.values(data.inputs)[0]
    assert (before != other.values(data.inputs)[0]).any()
    stronger = data.inputs.copy()
    stronger[:, :2] += np.float32([20 * 0.13125, 20])  # alcohol follows from the gravity
    gained = one.values(stronger)[0] - before
    assert gained.min() >= -1e-3
    assert gained.max() > 3


def test_contradictory_parameters_are_rejected(data, quick):
    roots = Parameters.model_validate({**quick.model_dump(), "target": {"kind": "sqrt"}})
    with pytest.raises(ValueError, match="the curve is on the scale identity"):
        train(VITALS, roots, data, (roots.centre,), 0, 1)
    with pytest.raises(ValueError, match="the distance of two quantiles"):
        Parameters.model_validate({**quick.model_dump(), "quantiles": [], "least_spread": 1.0})
    with pytest.raises(ValueError, match="quantiles are two"):
        Parameters.model_validate({**quick.model_dump(), "quantiles": [quick.centre]})


def test_the_hop_curve_is_recovered_and_zero_without_hops():
    iso = np.linspace(0, 400, 60).astype(np.float32)
    labels = np.square(hop_curve_values(iso, HopCurve(5.0, 50.0)))
    curve = fit_hop_curve(iso, labels)
    assert hop_curve_values(iso, curve) == pytest.approx(hop_curve_values(iso, HopCurve(5.0, 50.0)), abs=0.05)
    assert hop_curve_values(np.float32([0, -1]), curve).tolist() == [0, 0]


def test_trees_count_less_where_the_curve_is_low_and_never_turn_it():
    kind = TrendKind("x", "sqrt", fit_hop_curve, hop_curve_values, full_at=3.0)
    risen = np.linspace(0, 9, 91)
    for sums in (-50.0, -2.0, 0.0, 2.0):
        total = kind.add(risen, np.full_like(risen, sums))
        assert total[0] == 0 and (np.diff(total) >= -1e-9).all()
    assert kind.add(np.array([6.0]), np.array([1.0]))[0] == 7
