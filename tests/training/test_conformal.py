"""Conformal calibration of the interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.conformal import (
    Bound,
    Distances,
    Ends,
    calibrate,
    distances,
    distances_to,
    finite_sample_quantile,
    spread_of,
)
from training.scale import Scale

SCALES = [Scale(), Scale(kind="log", offset=1.0), Scale(kind="log", offset=30.0), Scale(kind="sqrt")]


def test_the_quantile_is_the_finite_sample_one():
    scores = np.arange(1, 10, dtype=np.float32)
    assert finite_sample_quantile(scores, 0.9) == 9
    assert finite_sample_quantile(scores, 0.5) == 5
    assert finite_sample_quantile(scores, 0.999) == 9


@pytest.mark.parametrize("count, level, rank", [(10, 0.9, 10), (19, 0.9, 18), (20, 0.9, 19), (9, 0.5, 5), (3, 0.9, 3)])
def test_the_conformal_rank_is_that_of_n_plus_one(count, level, rank):
    scores = np.random.default_rng(count).permutation(np.arange(1, count + 1)).astype(np.float32)
    assert finite_sample_quantile(scores, level) == rank


def test_a_two_sided_interval_misses_half_on_each_side():
    labels = np.arange(1, 40, dtype=np.float32)
    middle = np.full((1, len(labels)), 20, dtype=np.float32)
    lower, upper = calibrate(labels, Ends(middle, middle, None), 0.9, Scale(), True)
    assert (20 + lower.shift, 20 + upper.shift) == (2, 38)  # rank 38 of 39: one miss on each side
    lower, upper = calibrate(labels, Ends(middle, middle, None), 0.9, Scale(), False)
    assert -lower.shift == upper.shift == 18


@given(st.integers(0, 999), st.sampled_from(SCALES), st.booleans(), st.sampled_from([0.5, 0.8, 0.9]))
def test_the_bounds_contain_their_share_of_the_calibration_rows(seed, scale, two_sided, level):
    rng = np.random.default_rng(seed)
    labels = rng.uniform(3, 150, 200).astype(np.float32)
    low = np.maximum(labels + rng.normal(0, 20, 200), 0).astype(np.float32)
    lower, upper = calibrate(labels, Ends(low[None], low[None], None), level, scale, two_sided)
    held = (lower.at(low) <= labels + 1e-3) & (labels <= upper.at(low) + 1e-3)
    assert level - 0.02 <= held.mean() <= level + 0.05


def test_the_shift_is_the_mean_over_the_splits():
    labels = np.arange(1, 40, dtype=np.float32)
    first, second = labels + 2, labels + 6
    both = np.stack([first, second])
    lower, upper = calibrate(labels, Ends(both, both, None), 0.9, Scale(), False)
    assert (lower.shift, upper.shift) == (-4, 4)


def test_width_grows_with_bitterness_on_the_logarithmic_scale():
    labels = np.array([10, 20, 40, 80, 160] * 10, dtype=np.float32)
    low, high = labels[None] * 1.2, labels[None] * 0.8
    lower, upper = calibrate(labels, Ends(low, high, None), 0.9, Scale(kind="log"), two_sided=True)
    assert lower.at(labels) == pytest.approx(labels / 1.2)
    assert upper.at(labels) == pytest.approx(labels / 0.8)


def test_scores_are_divided_by_the_distances_and_bounds_moved_by_them():
    labels = np.arange(1, 40, dtype=np.float32)
    spread = np.where(labels % 2 == 0, 2, 1).astype(np.float32)
    centre = labels + 3 * spread
    ends = Ends(centre[None], centre[None], Distances(spread[None], 2 * spread[None]))
    lower, upper = calibrate(labels, ends, 0.9, Scale(), False)
    assert (lower.shift, upper.shift) == (-3, 3)
    assert lower.at(centre, spread) == pytest.approx(labels)


@given(st.floats(0.3, 5), st.floats(0.05, 1.5))
def test_neither_bound_falls_as_the_prediction_rises(spread, shift):
    ibu = np.square(np.linspace(0, 15, 3001))
    below, above = distances(ibu, np.full_like(ibu, spread))
    lower = Bound(Scale(kind="sqrt"), -shift).at(ibu, below)
    upper = Bound(Scale(kind="sqrt"), shift).at(ibu, above)
    assert lower[0] == 0 and np.diff(lower).min() >= 0 and np.diff(upper).min() > 0


def test_distances_from_quantiles_have_a_least_value():
    centre, low, high = np.float32([30, 30]), np.float32([10, 29]), np.float32([31, 80])
    below, above = distances_to(centre, low, high, Scale())
    assert below.tolist() == [20, 3] and above.tolist() == [3, 50]


def test_the_spread_has_a_least_value():
    low, high = np.float32([10, 10]), np.float32([11, 30])
    assert spread_of(low, high, Scale(), 2.0).tolist() == [2, 10]
