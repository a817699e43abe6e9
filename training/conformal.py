"""The prediction interval: conformal constants from scores of beers whose whole group was left out."""

import math
from typing import NamedTuple

import numpy as np

from training.arrays import Array
from training.scale import Scale


class Bound(NamedTuple):
    """One bound: the value that it is drawn from, moved on a scale."""

    scale: Scale
    shift: float
    """In the scale's unit; below 0 for the lower bound."""

    def at(self, value: Array) -> Array:
        """The bound for this value; numpy arithmetic only, for it is traced into the ONNX graph.

        Args:
            value: What the bound is drawn from, IBU.
        """
        return self.scale.moved(value, self.shift)


def finite_sample_quantile(scores: Array, level: float) -> float:
    """The conformal quantile: of n scores the ceil((n + 1) level)-th smallest, the largest where n is too small.

    Source: Vovk et al. 2005; Romano, Patterson, Candès 2019 (CQR), equation 8. With scores from grouped folds, each by
    a model that saw no beer of that group, it is CV+ (Barber et al. 2021) with one constant for all rows.

    Args:
        scores: shape (n_rows,).
        level: Share of beers to hold, 0 to 1.
    """
    place = math.ceil((len(scores) + 1) * level)
    return float(np.sort(scores)[min(place, len(scores)) - 1])


def calibrate(
    labels: Array, low: Array, high: Array, level: float, scale: Scale, two_sided: bool
) -> tuple[Bound, Bound]:
    """Bounds that hold the share ``level`` of these out-of-fold rows.

    Args:
        labels: IBU, shape (n_rows,).
        low: What the lower bound is drawn from, IBU, shape (n_rows,), predicted without the row's group.
        high: What the upper bound is drawn from.
        level: Share to hold.
        scale: Scores are distances on it.
        two_sided: Each bound has its own constant for half of the misses; else one constant for both.

    Returns:
        The lower and the upper bound.
    """
    below = scale.of(low) - scale.of(labels)
    above = scale.of(labels) - scale.of(high)
    if two_sided:
        half = (1 + level) / 2
        return Bound(scale, -finite_sample_quantile(below, half)), Bound(scale, finite_sample_quantile(above, half))
    shift = finite_sample_quantile(np.maximum(below, above), level)
    return Bound(scale, -shift), Bound(scale, shift)
