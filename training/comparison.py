"""Whether a version is worse than another on the same beers: the rule of ``compare`` and ``refresh``.

Every figure has a 95 % interval from resampling groups of related beers. Related beers are often covered or missed
together, so a binomial bound on the coverage, which takes each beer as independent, would be too narrow.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.arrays import Array, Groups
from training.metrics import bootstrap, interval_score

SEED = 0


class Tolerances(NamedTuple):
    """By how much a version may be worse than the one it is compared with."""

    mae: float = 0.1
    """IBU that its MAE may be above the other's; predictions are rounded to one decimal."""
    coverage: float = 0.02
    """Share of beers that its coverage may be below the other's, and below the promised one."""
    score: float = 0.02
    """Part of the other's mean interval score that its own may be above it."""


ONLY_SIGNIFICANT = Tolerances(np.inf, np.inf, np.inf)
"""A version is worse only where the whole interval of the difference says so."""


class Difference(NamedTuple):
    """A difference of means over beers, with its 95 % bootstrap interval over groups of related beers.

    It is that of a figure that should be small: of the second version minus the first, paired by beer, or minus what is
    promised.
    """

    difference: float
    low: float
    high: float
    tolerance: float

    @property
    def worse(self) -> bool:
        """Whether the figure is too large: by more than the tolerance, or significantly."""
        return self.difference > self.tolerance or self.low > 0


class Comparison(NamedTuple):
    """How a second version differs from a first on the same beers."""

    mae: Difference
    missed: Difference
    """Share of beers outside the interval, one minus the coverage."""
    short: Difference
    """The promised coverage minus that of the second version."""
    score: Difference
    """Mean interval score."""

    @property
    def covered(self) -> Difference:
        """The difference of the coverage to show: the second's minus the first's."""
        low, high = 0.0 - self.missed.high, 0.0 - self.missed.low
        return Difference(0.0 - self.missed.difference, low, high, self.missed.tolerance)

    @property
    def faults(self) -> list[str]:
        """The figures in which the second is worse: ``MAE``, ``coverage``, ``interval score``.

        The coverage is worse if it has fallen and is also short of what is promised, each beyond its tolerance or
        significantly. If it has only fallen, the interval was too wide before; if it is only short, so was the first's.
        """
        found = {
            "MAE": self.mae.worse,
            "coverage": self.missed.worse and self.short.worse,
            "interval score": self.score.worse,
        }
        return [name for name, worse in found.items() if worse]

    @property
    def worse(self) -> bool:
        """Whether the second is worse in any of the figures."""
        return bool(self.faults)


class RowFigures(NamedTuple):
    """What a version's predictions are judged by, beer by beer, shape (n_rows,) each; smaller is better."""

    off: Array
    """Absolute error, IBU."""
    missed: Array
    """Whether the label is outside the interval; over repeats, the share of them."""
    score: Array
    """Interval score, IBU."""

    def where(self, rows: npt.NDArray[np.bool_]) -> "RowFigures":
        """Select rows."""
        return RowFigures(*(values[rows] for values in self))


def row_figures(labels: Array, predicted: Array, promised: float) -> RowFigures:
    """Compute the figures by beer.

    Args:
        labels: IBU, shape (n_rows,).
        predicted: shape (n_rows, 3) or (repeats, n_rows, 3): ibu, lower, upper. Figures are means over repeats.
        promised: Coverage by which the interval is judged.
    """
    ibu, lower, upper = np.moveaxis(predicted if predicted.ndim == 3 else predicted[np.newaxis], 2, 0)
    outside = ((labels < lower) | (upper < labels)).astype(np.float32)
    scores = interval_score(labels, lower, upper, promised)
    return RowFigures(*(found.mean(axis=0) for found in (np.abs(ibu - labels), outside, scores)))


def compare_rows(
    first: RowFigures, second: RowFigures, groups: Groups, promised: float, tolerances: Tolerances
) -> Comparison:
    """Compare two versions' figures of the same beers.

    Args:
        first: Figures of the released version.
        second: Figures of the candidate.
        groups: A row's group of related beers, shape (n_rows,).
        promised: Coverage that the released version promises.
        tolerances: By how much the candidate may be worse.
    """
    return Comparison(
        _difference(second.off - first.off, groups, tolerances.mae),
        _difference(second.missed - first.missed, groups, tolerances.coverage),
        _difference(second.missed - np.float32(1 - promised), groups, tolerances.coverage),
        _difference(second.score - first.score, groups, tolerances.score * float(first.score.mean())),
    )


def _difference(gap: Array, groups: Groups, tolerance: float) -> Difference:
    low, high = bootstrap(gap, groups, SEED)
    return Difference(float(gap.mean()), low, high, tolerance)
