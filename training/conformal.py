"""Conformal calibration of the prediction interval, from out-of-fold scores."""

import math
from typing import NamedTuple

import numpy as np

from training.arrays import Array
from training.scale import Scale


class Bound(NamedTuple):
    """A bound of the interval: a prediction moved on a scale."""

    scale: Scale
    shift: float
    """In the scale's unit, or in spreads where the interval has one; negative for a lower bound."""

    def at(self, value: Array, spread: Array | None = None) -> Array:
        """Move predictions. Numpy arithmetic only, as it is traced into the ONNX graph.

        Args:
            value: Predictions, IBU.
            spread: Each prediction's spread, in the scale's unit; None if the shift is in that unit itself.
        """
        if spread is None:
            return self.scale.moved(value, self.shift)
        return self.scale.ibu(self.scale.of(value) + spread * self.shift)


def spread_of(low: Array, high: Array, scale: Scale, least: float) -> Array:
    """Compute the spread: half the distance of two quantiles. Numpy arithmetic only, as it is traced into the graph.

    Args:
        low: Lower quantile, IBU.
        high: Upper quantile, IBU.
        scale: Scale on which the distance is measured.
        least: Least spread.
    """
    half: Array = (scale.of(high) - scale.of(low)) * 0.5
    return np.maximum(half, least)


def finite_sample_quantile(scores: Array, level: float) -> float:
    """Compute the conformal quantile: the ceil((n + 1) level)-th smallest of n scores, or the largest if n is small.

    Source: Vovk et al. 2005; Romano, Patterson, Candès 2019 (CQR), equation 8. With scores from grouped folds, each by
    a model that saw no beer of that group, it is CV+ (Barber et al. 2021) with one constant for all rows.

    Args:
        scores: shape (n_rows,).
        level: Share of beers to cover, 0 to 1.
    """
    rank = math.ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def calibrate(
    labels: Array,
    low: Array,
    high: Array,
    level: float,
    scale: Scale,
    two_sided: bool,
    spread: Array | None = None,
) -> tuple[Bound, Bound]:
    """Set the bounds so that they cover the share ``level`` of these out-of-fold rows, on average over the splits.

    One split alone leaves the shift to chance; the mean of the quantiles of several does not.

    Args:
        labels: IBU, shape (n_rows,).
        low: Predictions for the lower bound, IBU, shape (n_splits, n_rows), by models that did not see the row's group.
        high: Predictions for the upper bound, IBU, shape (n_splits, n_rows).
        level: Share to cover.
        scale: Scale on which scores are distances.
        two_sided: Whether each bound has its own shift, for half of the misses; otherwise both share one shift.
        spread: Each prediction's spread, by which scores are divided, shape (n_splits, n_rows); None for no division.

    Returns:
        The lower and the upper bound.
    """
    below = scale.of(low) - scale.of(labels)
    above = scale.of(labels) - scale.of(high)
    if spread is not None:
        below, above = below / spread, above / spread
    if two_sided:
        half = (1 + level) / 2
        return Bound(scale, -_mean_quantile(below, half)), Bound(scale, _mean_quantile(above, half))
    shift = _mean_quantile(np.maximum(below, above), level)
    return Bound(scale, -shift), Bound(scale, shift)


def _mean_quantile(scores: Array, level: float) -> float:
    return float(np.mean([finite_sample_quantile(split, level) for split in scores]))
