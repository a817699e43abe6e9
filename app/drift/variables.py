"""What is compared: the inputs and the answers of a version, each with the distribution of its training data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from app.bundle.distribution import bins_of, count_bins, distribution_of, shares_of
from app.bundle.manifest import Input, Manifest

WIDTH = "interval_width"
"""Name of the answer that is the upper less the lower end of the interval."""
_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Variable:
    """An input or an answer."""

    name: str
    kind: Literal["input", "answer"]
    unit: str
    bounds: tuple[float, ...]
    """Upper bounds of the bins, without the last's, ascending."""
    shares: tuple[float, ...]
    """Share of the training data's values in each bin."""
    bins: tuple[str, ...]
    """Name of each bin in the metrics."""
    missing: float | None
    """Share of the training rows without a value; None: unknown."""
    rows: int
    """Number of training rows."""
    ends: tuple[float, float]
    """Smallest and largest value of the training data."""
    median: float
    """Median of the training data."""

    def count(self, values: npt.NDArray[np.float32]) -> "Count":
        """Count values by bin.

        Args:
            values: NaN where missing, shape (n_rows,).
        """
        known = values[~np.isnan(values)]
        median = float(np.median(known)) if len(known) else None
        return Count(count_bins(list(self.bounds), values), len(values) - len(known), median)

    def median_of(self, weights: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> float:
        """Estimate a median from weights of the bins, on a straight line within its bin."""
        total = np.cumsum(weights) / weights.sum()
        index = int(np.searchsorted(total, 0.5))
        below = total[index - 1] if index else 0.0
        low, high = self.span(index)
        return float(low + (high - low) * (0.5 - below) / (total[index] - below))

    def span(self, index: int) -> tuple[float, float]:
        """Return the ends of a bin, for the outer ones those of the training data."""
        edges = [min(self.ends[0], self.bounds[0]), *self.bounds, max(self.ends[1], self.bounds[-1])]
        return edges[index], edges[index + 1]


@dataclass(frozen=True, slots=True)
class Count:
    """Counts of the values of a variable by bin."""

    bins: npt.NDArray[np.int64]
    """Number of values in each bin, shape (n_bins,)."""
    missing: int
    """Number of rows without a value."""
    median: float | None = None
    """Median of the values, where they are known one by one."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.bins.sum()) + self.missing


def variables_of(manifest: Manifest, buckets: Sequence[tuple[str, Sequence[float]]] = ()) -> list[Variable]:
    """Return the inputs of a version that have deciles, and its answers whose distribution is known.

    Args:
        manifest: Manifest of the version.
        buckets: Answers that are counted in other bins than the tenths of the training data, with the bins' bounds.
    """
    known, rows = distribution_of(manifest), manifest.training_data.rows_used
    variables = [
        Variable(
            declared.name,
            "input",
            declared.unit,
            tuple(bins_of(declared)[0]),
            tuple(shares_of(declared, known)),
            tuple(number for number, _ in bins_of(declared)[1]),
            known.missing.get(declared.name),
            rows,
            declared.trained_range or (declared.deciles[0], declared.deciles[-1]),
            declared.deciles[len(declared.deciles) // 2],
        )
        for declared in manifest.inputs
        if declared.deciles
    ]
    units = {output.name: output.unit for output in manifest.outputs}
    units.setdefault(WIDTH, units.get("lower", ""))
    for name, percentiles in known.answers.items():
        bounds = dict(buckets).get(name)
        variables.append(_answer(name, units.get(name, ""), percentiles, rows, bounds))
    return variables


def _answer(name: str, unit: str, percentiles: Sequence[float], rows: int, buckets: Sequence[float] | None) -> Variable:
    """An answer, which is never missing; by default its bins are the tenths of the training data."""
    ends, median = (percentiles[0], percentiles[-1]), percentiles[len(percentiles) // 2]
    if buckets is None:
        deciles = tuple(percentiles[9::10])
        declared = Input(name=name, datatype="FP32", unit=unit, description="", trained_range=ends, deciles=deciles)
        bounds, bins = bins_of(declared)
        numbers, nominal = tuple(number for number, _ in bins), tuple(share for _, share in bins)
        return Variable(name, "answer", unit, tuple(bounds), nominal, numbers, 0.0, rows, ends, median)
    below = np.interp(buckets, percentiles, np.arange(1, _HUNDRED) / _HUNDRED, left=0.0, right=1.0)
    shares = tuple(np.diff(below, prepend=0.0, append=1.0).tolist())
    names = (*(f"{bound:g}" for bound in buckets), "+Inf")
    return Variable(name, "answer", unit, tuple(buckets), shares, names, 0.0, rows, ends, median)
