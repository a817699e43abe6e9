"""Calibration: how well confidence matches accuracy, and the temperature that corrects it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]
BINS, FOLDS = 10, 5
_MIN_TEMPERATURE, _MAX_TEMPERATURE = 0.2, 10.0


class Bin(NamedTuple):
    """Predictions of similar confidence."""

    photos: int
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share of correct predictions."""


def temperature(logits: Numbers, labels: Labels) -> float:
    """Fit the temperature: the divisor of the logits with the maximum likelihood (Guo et al. 2017).

    Args:
        logits: Shape (n, 2), of pictures that were not trained on.
        labels: Shape (n,).
    """
    gaps = (logits[:, 1] - logits[:, 0]) * np.where(labels == 1, 1, -1)
    result = minimize_scalar(
        lambda log: np.logaddexp(0, -gaps / np.exp(log)).mean(),
        bounds=(np.log(_MIN_TEMPERATURE), np.log(_MAX_TEMPERATURE)),
        method="bounded",
    )
    return float(np.exp(result.x))


def cross_fitted(logits: Numbers, labels: Labels) -> Numbers:
    """Cross-fit the temperature: each fifth is scaled by the temperature of the other four.

    Args:
        logits: Shape (n, 2), of pictures that were not trained on.
        labels: Shape (n,).

    Returns:
        Probabilities, shape (n, 2).
    """
    order = np.random.default_rng(0).permutation(len(labels))
    probabilities = np.zeros_like(logits)
    for fold in range(FOLDS):
        held_out = order[fold::FOLDS]
        others = np.setdiff1d(order, held_out)
        probabilities[held_out] = softmax(logits[held_out] / temperature(logits[others], labels[others]))
    return probabilities


def softmax(logits: Numbers) -> Numbers:
    """Convert logits, shape (n, 2), to probabilities."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def error_of_chance(probabilities: Numbers, draws: int = 300) -> float:
    """Estimate the calibration error that chance alone gives: its mean if every probability were exact.

    Args:
        probabilities: Shape (n, 2).
        draws: Number of random sets of labels.
    """
    rng = np.random.default_rng(0)
    labelings = (rng.random((draws, len(probabilities))) < probabilities[:, 1]).astype(np.int64)
    return float(np.mean([calibration_error(probabilities, labels) for labels in labelings]))


def bins(probabilities: Numbers, labels: Labels) -> list[Bin]:
    """Bin predictions by confidence: ten bins of equal width from 0.5 to 1, without the empty ones.

    Args:
        probabilities: Shape (n, 2).
        labels: Shape (n,).
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    indexes = np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
    return [
        Bin(int(chosen.sum()), float(confidence[chosen].mean()), float(correct[chosen].mean()))
        for chosen in (indexes == index for index in range(BINS))
        if chosen.any()
    ]


def calibration_error(probabilities: Numbers, labels: Labels) -> float:
    """Return the expected calibration error: mean gap of confidence and accuracy over `bins`, weighted by count."""
    return sum(b.photos * abs(b.confidence - b.accuracy) for b in bins(probabilities, labels)) / len(labels)
