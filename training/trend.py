"""The saturation curve of bitterness over the wort's strength."""

from typing import NamedTuple

import numpy as np

from training.arrays import Array

_SCALES = np.geomspace(5.0, 320.0, 25)
_STEPS = 20


class Trend(NamedTuple):
    """IBU = height * points / (points + half), points of gravity above water's 1000."""

    height: float
    half: float


def fit_trend(gravity: Array, labels: Array) -> Trend:
    """Fit the curve by least absolute error: height by reweighted least squares, half-saturation on a fixed grid.

    Args:
        gravity: Original gravity in points, shape (n_rows,).
        labels: IBU, shape (n_rows,).
    """
    above = np.maximum(gravity.astype(np.float64) - 1000.0, 0.0)
    fits = []
    for half in _SCALES:
        shape = above / (above + half)
        weight = np.ones_like(shape)
        for _ in range(_STEPS):
            height = float((weight * shape) @ labels / max(float((weight * shape) @ shape), 1e-9))
            weight = 1 / np.maximum(np.abs(labels - height * shape), 1.0)
        fits.append((float(np.abs(labels - height * shape).sum()), Trend(height, float(half))))
    return min(fits)[1]


def trend_values(gravity: Array, trend: Trend) -> Array:
    """Evaluate the curve. Numpy arithmetic only, as it is traced into the ONNX graph.

    Args:
        gravity: Original gravity in points.
        trend: The fitted curve.
    """
    above = np.maximum(gravity - 1000.0, 0.0)
    risen: Array = above * trend.height / (above + trend.half)
    return risen
