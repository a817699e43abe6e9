"""Calibration: errors that can be worked out by hand, and a temperature that is recovered."""

import numpy as np
import pytest

from training.pets.calibration import bins, calibration_error, cross_fitted, softmax, temperature
from training.pets.plot import reliability_png


def answers(confidences: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Answers that say dog with these confidences."""
    return np.array([[1 - confidence, confidence] for confidence in confidences])


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = answers([0.9] * 10 + [0.6] * 10)
    labels = np.array([1] * 9 + [0] + [1] * 2 + [0] * 8)
    assert calibration_error(probabilities, labels) == pytest.approx((0 + 0.4) / 2)
    assert [(b.photos, round(b.accuracy, 2)) for b in bins(probabilities, labels)] == [(10, 0.2), (10, 0.9)]


def test_bins_are_a_twentieth_wide() -> None:
    assert [b.photos for b in bins(answers([0.51, 0.54, 0.56, 0.94, 0.96]), np.ones(5, np.int64))] == [2, 1, 1, 1]


def test_a_confidence_of_one_is_in_the_last_bin() -> None:
    (only,) = bins(answers([1.0, 1.0]), np.array([1, 0]))
    assert only == (2, 1.0, 0.5)


def test_the_applied_temperature_is_recovered() -> None:
    draw = np.random.default_rng(0)
    gaps = draw.normal(0, 2, 20_000)
    labels = (draw.random(20_000) < 1 / (1 + np.exp(-gaps))).astype(np.int64)
    logits = np.stack([np.zeros_like(gaps), 3 * gaps], axis=1)
    assert temperature(logits, labels) == pytest.approx(3, rel=0.05)


def test_cross_fitted_probabilities_are_calibrated_and_depend_on_other_photos_only() -> None:
    rng = np.random.default_rng(1)
    gaps = rng.normal(0, 2, 4000)
    labels = (rng.random(4000) < 1 / (1 + np.exp(-gaps))).astype(np.int64)
    logits = np.stack([np.zeros_like(gaps), 3 * gaps], axis=1)
    probabilities = cross_fitted(logits, labels)
    assert probabilities[:, 1] == pytest.approx(softmax(logits / 3)[:, 1], abs=0.03)
    first_fold = np.random.default_rng(0).permutation(4000)[::5]
    labels[first_fold] = 1 - labels[first_fold]
    changed = cross_fitted(logits, labels)
    assert (changed[first_fold] == probabilities[first_fold]).all() and (changed != probabilities).any()


def test_the_plot_is_a_valid_picture() -> None:
    points = [bin._asdict() for bin in bins(answers([0.6, 0.9]), np.array([1, 1]))]
    assert reliability_png({"held-out photos": points})[:4] == b"\x89PNG"
