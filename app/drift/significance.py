"""Tests of whether a variable's values come from another distribution than the training data; the only user of scipy.

scipy, and not frouros or alibi-detect: the training data are known by bin, and the tests for counts are all in
scipy.stats. frouros and alibi-detect detect drift in streams and in raw reference rows, which no bundle has, and would
add themselves, scikit-learn or a deep-learning framework; scipy is what both call for these tests.

Three tests, because each sees what the others miss:

- ranks: Mann-Whitney U on the bins' order, by the normal approximation with ties. A value that moved by half a
  standard deviation is found with a quarter of the rows that the test of shares needs.
- shares: Pearson's chi-squared test of homogeneity of the bins' counts, neighbouring bins merged until 5 are expected
  in each, so that its approximation holds. It sees a changed shape without a changed middle.
- missing: Fisher's exact test of the rows without a value.

All of them are two-sample tests: the training data are a sample too, of 256 beers, and not the truth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2_contingency, fisher_exact, mannwhitneyu

from app.drift.variables import Count, Variable

FLOOR = 0.0001
"""Smallest share of a bin in the population stability index; the rules for Prometheus have the same."""
MIN_EXPECTED = 5
"""Smallest expected count of a bin in the chi-squared test (Cochran's rule)."""

_Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The distance of a variable from its training data, and its probability by chance."""

    psi: float
    """Population stability index of the values that are present."""
    noise: float
    """Expected index of two samples of this size of one distribution: (bins - 1) (1/n + 1/m), see docs/drift.md."""
    superiority: float
    """Probability that a value is larger than one of the training data, ties counted half; 0.5: neither."""
    p: dict[str, float]
    """Probability of such counts without drift, by test: ``ranks``, ``shares``, ``missing``; without correction."""


def compare(variable: Variable, count: Count, allowance: int = 0, enough: float = 1.0) -> Comparison:
    """Compare counts with the training data.

    Args:
        variable: The variable, with its training data.
        count: What was counted; at least one row.
        allowance: Number of rows that may be variants of one recipe, whatever their values. Each probability is the
            largest that is left when so many rows are taken away: those in excess, the smallest, or the largest.
        enough: Probability above which the allowance is not considered, to save time.
    """
    known = variable.rows if variable.missing is None else round(variable.rows * (1 - variable.missing))
    trained = _whole(np.array(variable.shares), known)
    p: dict[str, float] = {}
    if count.bins.sum() and known:
        p["ranks"] = _worst(lambda bins: _ranks(trained, bins)[0], count.bins, trained, allowance, enough)
        p["shares"] = _worst(lambda bins: _shares(trained, bins), count.bins, trained, allowance, enough)
    if variable.missing is not None:
        of_training = np.array([known, variable.rows - known])
        of_rows = np.array([count.bins.sum(), count.missing])
        p["missing"] = _worst(lambda rows: _missing(of_training, rows), of_rows, of_training, allowance, enough)
    total = int(count.bins.sum())
    if not (total and known):
        return Comparison(0.0, 0.0, 0.5, p)
    used = int((np.array(variable.shares) > 0).sum())
    return Comparison(
        psi(np.array(variable.shares), count.bins / total),
        (used - 1) * (1 / total + 1 / known),
        _ranks(trained, count.bins)[1],
        p,
    )


def psi(expected: npt.NDArray[np.float64], actual: npt.NDArray[np.float64]) -> float:
    """Return the population stability index of shares: the sum of (actual - expected) ln(actual / expected)."""
    expected, actual = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return float(((actual - expected) * np.log(actual / expected)).sum())


def _worst(test: Callable[[_Counts], float], counts: _Counts, trained: _Counts, allowance: int, enough: float) -> float:
    p = test(counts)
    if not allowance or p > enough:
        return p
    lowest = _without_first(counts, allowance)
    highest = _without_first(counts[::-1], allowance)[::-1]
    return max(p, test(_without_excess(counts, trained, allowance)), test(lowest), test(highest))


def _without_excess(counts: _Counts, trained: _Counts, number: int) -> _Counts:
    """Take rows away, each from the bin that has most in excess of the training data's share."""
    left = counts.copy()
    for total in range(int(counts.sum()), max(int(counts.sum()) - number, 0), -1):
        left[np.argmax(np.where(left > 0, left - trained * (total / trained.sum()), -np.inf))] -= 1
    return left


def _without_first(counts: _Counts, number: int) -> _Counts:
    taken = np.minimum(np.cumsum(counts), number)
    left: _Counts = counts - np.diff(taken, prepend=np.int64(0))
    return left


def _whole(shares: npt.NDArray[np.float64], total: int) -> _Counts:
    """Counts with these shares that add up to a total."""
    upper: _Counts = np.rint(np.cumsum(shares) / shares.sum() * total).astype(np.int64)
    return np.diff(upper, prepend=np.int64(0))


def _ranks(trained: _Counts, counts: _Counts) -> tuple[float, float]:
    if not counts.sum() or np.count_nonzero(trained + counts) < 2:
        return 1.0, 0.5
    bins = np.arange(len(trained))
    found = mannwhitneyu(np.repeat(bins, counts), np.repeat(bins, trained), method="asymptotic")
    return float(found.pvalue), float(found.statistic) / (int(counts.sum()) * int(trained.sum()))


def _shares(trained: _Counts, counts: _Counts) -> float:
    table = _merged(np.array([trained, counts]))
    if table.shape[1] < 2:
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)


def _merged(table: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Merge neighbouring columns until each expects `MIN_EXPECTED` in both rows."""
    total, least = int(table.sum()), int(table.sum(axis=1).min())
    columns: list[npt.NDArray[np.int64]] = []
    pending = np.zeros(2, np.int64)
    for column in table.T:
        pending = pending + column
        if pending.sum() * least >= MIN_EXPECTED * total:
            columns.append(pending)
            pending = np.zeros(2, np.int64)
    if columns:
        columns[-1] = columns[-1] + pending
    return np.array(columns).T if columns else np.zeros((2, 0), np.int64)


def _missing(trained: _Counts, rows: _Counts) -> float:
    if not rows.sum():
        return 1.0
    return float(fisher_exact([trained.tolist(), rows.tolist()]).pvalue)
