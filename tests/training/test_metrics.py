"""Figures of predictions."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, median_absolute_error, r2_score, root_mean_squared_error

from training.metrics import bands, bootstrap, duplicates, errors, interval, over_repeats


@pytest.fixture
def figures():
    rng = np.random.default_rng(3)
    labels = rng.uniform(3, 150, 300).astype(np.float32)
    return labels, (labels + rng.normal(0, 15, 300)).astype(np.float32)


def test_errors_are_those_of_scikit_learn(figures):
    result = errors(*figures)
    assert result["mae"] == pytest.approx(mean_absolute_error(*figures))
    assert result["rmse"] == pytest.approx(root_mean_squared_error(*figures))
    assert result["median_ae"] == pytest.approx(median_absolute_error(*figures))
    assert result["r2"] == pytest.approx(r2_score(*figures))
    assert errors(np.array([10.0, 10]), np.array([20.0, 20.1]))["within_10"] == 0.5


def test_interval():
    labels = np.array([10, 20, 30, 40, 50.0])
    result = interval(labels, labels - 5, np.array([15, 25, 35, 45, 45.0]))
    assert result == {"coverage": 0.8, "coverage_top_fifth": 0.0, "width": 8.0}


def test_every_row_is_in_one_band():
    labels = np.array([3, 19.9, 20, 80, 150.0])
    result = bands(labels, np.column_stack([labels + 1, labels - 2, labels + 2]), 0.9)
    assert [(band["from"], band["to"], band["rows"]) for band in result] == [(3, 20, 2), (20, 40, 1), (80, 150, 2)]
    assert all(band["bias"] == pytest.approx(1) and band["coverage"] == 1 for band in result)


def test_the_bootstrap_draws_groups_not_rows():
    values = np.repeat(np.random.default_rng(1).normal(size=20), 10)
    low, high = bootstrap(values, np.repeat(np.arange(20), 10), seed=0)
    row_low, row_high = bootstrap(values, np.arange(200), seed=0)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(20), rel=0.1)
    assert high - low > 2 * (row_high - row_low)
    assert (low, high) == bootstrap(values, np.repeat(np.arange(20), 10), seed=0)


def test_over_repeats():
    assert over_repeats(lambda r: {"x": float(r)}, 3) == {"x": 1.0, "x_sd": pytest.approx(0.8165, abs=1e-4)}


def test_duplicates_measure_how_far_labels_of_equal_rows_differ():
    inputs = np.float32([[1, np.nan], [1, np.nan], [1, np.nan], [2, 3], [2, 3], [4, 5]])
    result = duplicates(inputs, np.float32([10, 20, 50, 7, 7, 99]))
    assert result == {"groups": 2, "rows": 5, "differing": 1, "mae": (10 + 0 + 30) / 5}
    assert duplicates(inputs[:1], np.float32([1])) == {"groups": 0, "rows": 0, "differing": 0, "mae": 0.0}
