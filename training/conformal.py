"""The prediction interval: conformal constants from scores of beers whose whole group was left out."""

import math
from typing import NamedTuple

import numpy as np

from training.spec import Array


class Bound(NamedTuple):
    """One bound as a line in the value that it is drawn from: bound = factor * value + shift."""

    factor: float
    shift: float

    def at(self, value: Array) -> Array:
        """The bound for this value; numpy arithmetic only, for it is traced into the ONNX graph.

        Args:
            value: What the bound is drawn from, IBU.
        """
        drawn: Array = value + self.shift if self.factor == 1 else value * self.factor + self.shift
        return drawn


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


def calibrate(labels: Array, low: Array, high: Array, level: float, offset: float | None,
              two_sided: bool) -> tuple[Bound, Bound]:
    """Bounds that hold the share ``level`` of these out-of-fold rows.

    Args:
        labels: IBU, shape (n_rows,).
        low: What the lower bound is drawn from, IBU, shape (n_rows,), predicted without the row's group.
        high: What the upper bound is drawn from.
        level: Share to hold.
        offset: Scores are distances of log(IBU + offset), so that width grows with bitterness; None: of IBU.
        two_sided: Each bound has its own constant for half of the misses; else one constant for both.

    Returns:
        The lower and the upper bound.
    """
    below = _scale(low, offset) - _scale(labels, offset)
    above = _scale(labels, offset) - _scale(high, offset)
    if two_sided:
        half = (1 + level) / 2
        return _bound(-finite_sample_quantile(below, half), offset), _bound(finite_sample_quantile(above, half), offset)
    shift = finite_sample_quantile(np.maximum(below, above), level)
    return _bound(-shift, offset), _bound(shift, offset)


def _scale(ibu: Array, offset: float | None) -> Array:
    return ibu if offset is None else np.log(ibu + np.float32(offset))


def _bound(shift: float, offset: float | None) -> Bound:
    """exp(log(v + offset) + shift) - offset is a line in v."""
    if offset is None:
        return Bound(1.0, shift)
    factor = math.exp(shift)
    return Bound(factor, (factor - 1) * offset)
