"""How many recipes theory says it takes to find a shift, from the tests' distributions under it."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, chi2, fisher_exact, norm

from app.drift.assessment import ERROR, MIN_MISSING, MIN_PSI
from app.drift.significance import MIN_EXPECTED, psi
from app.drift.variables import Variable

POWER = 0.95
"""Probability with which theory finds a shift; its normal approximations are good to a few hundredths."""
LEAST = 50
"""Number of recipes below which the approximations do not hold; it is the answer wherever they say less."""
MARGIN = 1.3
"""Part of `MIN_EXPECTED` by which the expected count of a bin may exceed it, and the bin still be merged at times."""
MOST = 100_000
_Array = npt.NDArray[Any]


def needed(variable: Variable, shares: _Array, missing: float, tests: int, allowance: int) -> int | None:
    """Return the smallest number of recipes with which a shift is found with probability `POWER`.

    Args:
        variable: What has shifted.
        shares: Share of its values in each bin after the shift.
        missing: Share of the rows without a value after the shift.
        tests: Number of tests over which `ERROR` is divided: tests of a check, times checks.
        allowance: Number of recipes that may be one brewer's.

    Returns:
        The number; None if the shift is never found, because its effect is too small to alarm, or above `MOST`.
    """
    alpha = ERROR / tests
    powers: list[Callable[[int], float]] = []
    if psi(np.array(variable.shares), shares) >= MIN_PSI:
        powers += [
            lambda count: _least(variable, shares, count, missing, allowance, alpha, _ranks),
            lambda count: _least(variable, shares, count, missing, allowance, alpha, _shares),
        ]
    if variable.missing is not None and abs(missing - variable.missing) > MIN_MISSING:
        powers.append(lambda count: _missing(variable, missing, count, allowance, alpha))
    low, high = LEAST - 1, LEAST
    while max((power(high) for power in powers), default=0.0) < POWER:
        low, high = high, high * 2
        if high > MOST or not powers:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if max(power(middle) for power in powers) >= POWER else (middle, high)
    return high


def _least(
    variable: Variable,
    shares: _Array,
    rows: int,
    missing: float,
    allowance: int,
    alpha: float,
    power: Callable[[_Array, _Array, _Array, float], float],
) -> float:
    """Power on the expected counts, without those that the allowance takes away: in excess, the first and the last.

    All three must be significant; the probability of that is at least one less those of the three failures.
    """
    known = variable.rows * (1 - (variable.missing or 0.0))
    trained, counts = np.array(variable.shares) * known, shares * rows * (1 - missing)
    if counts.sum() <= allowance:
        return 0.0
    lowest = counts - np.diff(np.minimum(np.cumsum(counts), allowance), prepend=0.0)
    highest = counts[::-1] - np.diff(np.minimum(np.cumsum(counts[::-1]), allowance), prepend=0.0)
    excess = _without_excess(counts, trained, allowance)
    return 1 - sum(1 - power(trained, left, counts, alpha) for left in (excess, lowest, highest[::-1]))


def _without_excess(counts: _Array, trained: _Array, number: int) -> _Array:
    left = counts.copy()
    for total in np.arange(counts.sum(), counts.sum() - number, -1):
        left[np.argmax(np.where(left >= 1, left - trained * (total / trained.sum()), -np.inf))] -= 1
    return np.maximum(left, 0.0)


def _ranks(trained: _Array, counts: _Array, drawn: _Array, alpha: float) -> float:
    """Normal approximation of the Mann-Whitney U test with ties; the training data do not vary."""
    m, n = trained.sum(), counts.sum()
    p, q = counts / n, trained / m
    larger = np.cumsum(q) - q / 2  # probability that a value is larger than one of the training data
    mean, spread = float(p @ larger), sqrt(max(float(p @ larger**2) - float(p @ larger) ** 2, 1e-12) / n)
    ties, total = trained + counts, m + n
    deviation = sqrt((total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))) / (12 * m * n))
    return float(norm.cdf((abs(mean - 0.5) - norm.isf(alpha / 2) * deviation) / spread))


def _shares(trained: _Array, counts: _Array, drawn: _Array, alpha: float) -> float:
    """Power of the chi-squared test, the smaller one if bins may be merged in one sample and not in the next."""
    return min(_shares_merged(trained, counts, drawn, alpha, MIN_EXPECTED * part) for part in (1.0, MARGIN))


def _shares_merged(trained: _Array, counts: _Array, drawn: _Array, alpha: float, expected: float) -> float:
    """Normal approximation of the chi-squared statistic, its variance that of the shifted counts (delta method).

    What the statistic has of chance on top is left out: taking excess away takes it, too.
    """
    least, total = min(trained.sum(), counts.sum()), trained.sum() + counts.sum()
    merged, pending = [], np.zeros(3)
    for column in np.array([trained, counts, drawn]).T:
        pending = pending + column
        if pending[:2].sum() * least >= expected * total:
            merged.append(pending)
            pending = np.zeros(3)
    if len(merged) < 2:
        return 0.0
    merged[-1] = merged[-1] + pending
    reference, left, before = np.array(merged).T
    slope = np.array([(_statistic(reference, left + step) - _statistic(reference, left)) for step in np.eye(len(left))])
    shares = before / before.sum()
    variance = float(before.sum() * (shares @ slope**2 - (shares @ slope) ** 2))
    freedom, scale = len(left) - 1, reference.sum() / (reference.sum() + left.sum())
    return float(
        norm.cdf((_statistic(reference, left) - chi2.isf(alpha, freedom)) / sqrt(variance + 2 * freedom * scale**2))
    )


def _statistic(reference: _Array, counts: _Array) -> float:
    table = np.array([reference, counts])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def _missing(variable: Variable, missing: float, rows: int, allowance: int, alpha: float) -> float:
    """Binomial distribution beyond the critical number of Fisher's exact test, the allowance taken away."""
    before = variable.missing or 0.0
    trained = [round(variable.rows * (1 - before)), round(variable.rows * before)]
    low, high = 0, rows
    while high - low > 1:  # the smallest number without a value that is significant
        middle = (low + high) // 2
        left = max(middle - allowance, 0)
        significant = fisher_exact([trained, [rows - middle, left]]).pvalue <= alpha and left > before * rows
        low, high = (low, middle) if significant else (middle, high)
    return float(binom.sf(high - 1, rows, missing))
