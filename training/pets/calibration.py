"""Calibration: whether a confidence of 90 % is right nine times out of ten, and the temperature that makes it so."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]
BINS, FOLDS = 10, 5
_COOLEST, _HOTTEST = 0.2, 10.0


class Bin(NamedTuple):
    """Answers whose confidence is alike."""

    photos: int
    confidence: float
    """Mean of what was said."""
    accuracy: float
    """Share of what was right."""


def temperature(logits: Numbers, labels: Labels) -> float:
    """What logits are to be divided by so that the labels are most likely (Guo et al. 2017).

    Args:
        logits: Shape (n, 2), of pictures that were not learnt from.
        labels: Shape (n,).
    """
    gaps = (logits[:, 1] - logits[:, 0]) * np.where(labels == 1, 1, -1)
    found = minimize_scalar(
        lambda log: np.logaddexp(0, -gaps / np.exp(log)).mean(),
        bounds=(np.log(_COOLEST), np.log(_HOTTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def crossed(logits: Numbers, labels: Labels) -> Numbers:
    """Probabilities with the temperature of the other four fifths, so that none is judged by its own.

    Args:
        logits: Shape (n, 2), of pictures that were not learnt from.
        labels: Shape (n,).

    Returns:
        Shape (n, 2).
    """
    order = np.random.default_rng(0).permutation(len(labels))
    found = np.zeros_like(logits)
    for fold in range(FOLDS):
        judged = order[fold::FOLDS]
        others = np.setdiff1d(order, judged)
        found[judged] = softmax(logits[judged] / temperature(logits[others], labels[others]))
    return found


def softmax(logits: Numbers) -> Numbers:
    """Probabilities, shape (n, 2), from logits of that shape."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def error_of_chance(probabilities: Numbers, draws: int = 300) -> float:
    """The calibration error that so few pictures would show in the mean if every probability were exactly right.

    Args:
        probabilities: Shape (n, 2).
        draws: How many times labels are drawn from them.
    """
    draw = np.random.default_rng(0)
    drawn = (draw.random((draws, len(probabilities))) < probabilities[:, 1]).astype(np.int64)
    return float(np.mean([calibration_error(probabilities, labels) for labels in drawn]))


def bins(probabilities: Numbers, labels: Labels) -> list[Bin]:
    """Answers by confidence, in ten bins of equal width from 0.5 to 1; those that nothing fell into are left out.

    Args:
        probabilities: Shape (n, 2).
        labels: Shape (n,).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    places = np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
    return [
        Bin(int(chosen.sum()), float(confidence[chosen].mean()), float(right[chosen].mean()))
        for chosen in (places == place for place in range(BINS))
        if chosen.any()
    ]


def calibration_error(probabilities: Numbers, labels: Labels) -> float:
    """The expected calibration error: mean gap of confidence and accuracy over `bins`, weighed by their counts."""
    return sum(b.photos * abs(b.confidence - b.accuracy) for b in bins(probabilities, labels)) / len(labels)
