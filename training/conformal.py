"""Conformal calibration of the prediction interval, from out-of-fold scores."""

import math
from typing import NamedTuple, cast

import numpy as np

from training.arrays import Array
from training.scale import Scale

TYPICAL_ROOT = 7.0
"""Root of the IBU at which the lower bound is spread ** 1.25 away, before calibration."""
UPWARD = 2.5
"""Roots of IBU that the upper bound is away there, before calibration."""
FULL_ROOT = 3.0
"""Root of the IBU up to which the distance of the upper bound rises; beyond, it falls."""


class Bound(NamedTuple):
    """A bound of the interval: a prediction moved on a scale."""

    scale: Scale
    shift: float
    """In the scale's unit, or in distances where the interval has a spread; negative for a lower bound."""

    def at(self, value: Array, distance: Array | None = None) -> Array:
        """Move predictions. Numpy arithmetic only, as it is traced into the ONNX graph.

        Args:
            value: Predictions, IBU.
            distance: Each prediction's distance, in the scale's unit; None if the shift is in that unit itself.
        """
        if distance is None:
            return self.scale.moved(value, self.shift)
        return self.scale.ibu(self.scale.of(value) + distance * self.shift)


class Distances(NamedTuple):
    """What the scores are divided by and the bounds move by, on the scale of roots."""

    below: Array
    above: Array


class Ends(NamedTuple):
    """What an interval's bounds are moved from, and by."""

    low: Array
    """IBU."""
    high: Array
    """IBU."""
    distance: Distances | None
    """None: both are moved by the scale's unit."""


LEAST_DISTANCE = 3.0
"""Least distance from a quantile, on the scale of the scores."""


def distances_to(ibu: Array, low: Array, high: Array, scale: Scale) -> Distances:
    """Compute the distances of predictions from two quantiles. Numpy arithmetic only, as it is traced into the graph.

    Args:
        ibu: Predictions, IBU.
        low: Lower quantile, IBU.
        high: Upper quantile, IBU.
        scale: Scale on which the distances are measured.
    """
    centre = scale.of(ibu)
    below: Array = np.maximum(centre - scale.of(low), LEAST_DISTANCE)
    above: Array = np.maximum(scale.of(high) - centre, LEAST_DISTANCE)
    return Distances(below, above)


def distances(ibu: Array, spread: Array) -> Distances:
    """Compute how far the bounds are from predictions with these spreads, before calibration.

    Bitter beers err downwards, mild ones upwards, and only downwards does the spread help to foresee by how much. So
    the root of the lower bound is a share of the prediction's, by the spread. The distance of the upper bound, in
    roots, rises up to 9 IBU and falls beyond as 1 / sqrt(root); in IBU it still grows. Neither bound falls as the
    prediction rises, for conformal constants up to 1.5. Numpy arithmetic only, as it is traced into the ONNX graph.

    Args:
        ibu: Predictions, IBU.
        spread: Their spreads, roots of IBU.
    """
    root: Array = np.sqrt(ibu)
    below = np.maximum(root, 0.01) / TYPICAL_ROOT * spread * np.sqrt(np.sqrt(spread))  # a distance is never 0
    rising = np.minimum(root / FULL_ROOT, 1.0) * 0.5 + 0.5
    above = rising * UPWARD / np.sqrt(np.maximum(root, FULL_ROOT) / TYPICAL_ROOT)
    return Distances(cast(Array, below), cast(Array, above))


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


def calibrate(labels: Array, ends: Ends, level: float, scale: Scale, two_sided: bool) -> tuple[Bound, Bound]:
    """Set the bounds so that they cover the share ``level`` of these out-of-fold rows, on average over the splits.

    One split alone leaves the shift to chance; the mean of the quantiles of several does not.

    Args:
        labels: IBU, shape (n_rows,).
        ends: What the bounds are moved from and by, each shape (n_splits, n_rows), by models that did not see the row's
            group; scores are divided by the distances.
        level: Share to cover.
        scale: Scale on which scores are distances.
        two_sided: Whether each bound has its own shift, for half of the misses; otherwise both share one shift.

    Returns:
        The lower and the upper bound.
    """
    below = scale.of(ends.low) - scale.of(labels)
    above = scale.of(labels) - scale.of(ends.high)
    if ends.distance is not None:
        below, above = below / ends.distance.below, above / ends.distance.above
    if two_sided:
        half = (1 + level) / 2
        return Bound(scale, -_mean_quantile(below, half)), Bound(scale, _mean_quantile(above, half))
    shift = _mean_quantile(np.maximum(below, above), level)
    return Bound(scale, -shift), Bound(scale, shift)


def _mean_quantile(scores: Array, level: float) -> float:
    return float(np.mean([finite_sample_quantile(split, level) for split in scores]))
