"""Saturation curves under the trees: of bitterness over the wort's strength, and over its iso-alpha acid."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

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


class HopCurve(NamedTuple):
    """root of the IBU = height * sqrt(log(1 + iso / half)), iso-alpha acid in mg/l; zero without hops."""

    height: float
    half: float


_HALVES = np.geomspace(5.0, 500.0, 41)


def fit_hop_curve(iso: Array, labels: Array) -> HopCurve:
    """Fit the curve on the scale of roots: height by reweighted least squares, ``half`` on a fixed grid.

    The loss is pseudo-Huber's with its threshold at 1, a root of an IBU.

    Args:
        iso: Iso-alpha acid, mg/l, shape (n_rows,).
        labels: IBU, shape (n_rows,).
    """
    amount, root = np.maximum(iso.astype(np.float64), 0.0), np.sqrt(labels.astype(np.float64))
    fits = []
    for half in _HALVES:
        shape = np.sqrt(np.log(1 + amount / half))
        weight = np.ones_like(shape)
        for _ in range(_STEPS):
            height = float((weight * shape) @ root / max(float((weight * shape) @ shape), 1e-9))
            weight = 1 / np.sqrt(1 + np.square(root - height * shape))
        loss = float(np.sqrt(1 + np.square(root - height * shape)).sum())
        fits.append((loss, HopCurve(height, float(half))))
    return min(fits)[1]


def hop_curve_values(iso: Array, curve: HopCurve) -> Array:
    """Evaluate the curve, on the scale of roots. Numpy arithmetic only, as it is traced into the ONNX graph.

    Args:
        iso: Iso-alpha acid, mg/l.
        curve: The fitted curve.
    """
    above = np.maximum(iso, 0.0)
    return cast(Array, np.sqrt(np.log(above / curve.half + 1.0)) * curve.height)


@dataclass(frozen=True)
class TrendKind:
    """A kind of curve under the trees, over one feature."""

    column: str
    """The feature."""
    scale: Literal["identity", "sqrt"]
    """Scale of the target on which the curve's values are."""
    fit: Callable[[Array, Array], Trend | HopCurve]
    values: Callable[[Array, Any], Array]
    full_at: float | None = None
    """Value of the curve from which the trees count in full; below, they count less in proportion, so that the
    prediction is zero where the curve is. None: they always count in full."""

    def add(self, risen: Array, sums: Array) -> Array:
        """Add the trees' sums to the curve. Numpy arithmetic only, as it is traced into the ONNX graph.

        Args:
            risen: The curve's values.
            sums: The trees' sums.
        """
        if self.full_at is None:
            return risen + sums
        bounded = np.maximum(np.minimum(sums, self.full_at), -self.full_at)  # the sum never falls as the curve rises
        total: Array = risen + bounded * np.minimum(risen / self.full_at, 1.0)
        return total
