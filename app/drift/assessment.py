"""Which variables have drifted: tests, corrected for their number and for repeated checks, and a smallest effect."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.drift.samples import Sample
from app.drift.significance import Comparison, compare
from app.drift.variables import Count, Variable

ERROR = 0.05
"""Maximum probability that any of `CHECKS` checks raises a false alarm."""
CHECKS = 1000
"""Number of checks among which `ERROR` is divided: 19 years of weekly checks, or 2.7 of daily ones."""
MIN_RECIPES = 30
"""Number of recipes below which nothing is tested."""
MIN_PSI = 0.1
"""Smallest alarming population stability index, beyond the noise of its sample; 0.1 to 0.25 is called a small shift."""
MIN_MISSING = 0.1
"""Smallest alarming change of the share of rows without a value."""
_SMALL = 0.1
"""Change of a median, as a part of the range of the middle eight tenths, below which the report names a bin, too."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What is found about a variable of a version."""

    model: str
    version: str
    variable: Variable
    count: Count
    rows: int
    """Number of rows of the version, before those of one recipe are grouped."""
    comparison: Comparison
    p: float
    """Smallest p-value of the tests, corrected: times the number of tests and of checks, 1 at most."""
    moved: str
    """What moved from where to where, in words, with the unit."""
    is_tested: bool
    """Whether there are enough recipes."""
    is_alarm: bool
    """Whether the variable has drifted."""

    def as_json(self) -> dict[str, Any]:
        """Return the figure to be written as JSON."""
        found, variable, total = self.comparison, self.variable, int(self.count.bins.sum())
        return {
            "model": self.model,
            "version": self.version,
            "name": variable.name,
            "kind": variable.kind,
            "unit": variable.unit,
            "rows": self.rows,
            "recipes": self.count.rows,
            "training_rows": variable.rows,
            "median": {"training": variable.median, "now": _median(variable, self.count) if total else None},
            "missing": {"training": variable.missing, "now": _missing(self.count)},
            "shares": {
                name: {"training": round(share, 4), "now": round(count / total, 4) if total else None}
                for name, share, count in zip(variable.bins, variable.shares, self.count.bins.tolist(), strict=True)
            },
            "psi": round(found.psi, 4),
            "psi_noise": round(found.noise, 4),
            "superiority": round(found.superiority, 4),
            "p_by_test": found.p,
            "p": self.p,
            "moved": self.moved,
            "tested": self.is_tested,
            "alarm": self.is_alarm,
        }


def assess(samples: Sequence[Sample], checks: int = CHECKS, is_quick: bool = False) -> list[Figure]:
    """Find the variables that have drifted.

    Args:
        samples: Those of one check.
        checks: Number of checks that share the probability of a false alarm.
        is_quick: Whether the allowance is considered only where it decides whether there is an alarm.

    Returns:
        A figure for each variable of the samples.
    """
    tests = sum(
        2 + (variable.missing is not None)
        for sample in samples
        for variable, count in sample.counts
        if count.rows >= MIN_RECIPES
    )
    factor = max(tests, 1) * checks
    enough = ERROR / factor if is_quick else 1.0
    return [_figure(sample, *each, factor, enough) for sample in samples for each in sample.counts]


def _figure(sample: Sample, variable: Variable, count: Count, factor: int, enough: float) -> Figure:
    is_tested = count.rows >= MIN_RECIPES
    found = compare(variable, count, sample.allowance, enough)
    by_test = {test: min(1.0, p * factor) for test, p in found.p.items()}
    alarming = {
        test
        for test, p in by_test.items()
        if is_tested
        and p <= ERROR
        and (
            abs(_missing(count) - (variable.missing or 0.0)) >= MIN_MISSING
            if test == "missing"
            else found.psi - found.noise >= MIN_PSI
        )
    }
    return Figure(
        sample.model,
        sample.version,
        variable,
        count,
        sample.rows,
        found,
        min(by_test.values(), default=1.0) if is_tested else 1.0,
        _moved(variable, count, alarming),
        is_tested,
        bool(alarming),
    )


def _missing(count: Count) -> float:
    return count.missing / max(count.rows, 1)


def _median(variable: Variable, count: Count) -> float:
    return variable.median_of(count.bins) if count.median is None else count.median


def _moved(variable: Variable, count: Count, alarming: set[str]) -> str:
    total, unit = int(count.bins.sum()), f" {variable.unit}" if variable.unit else ""
    parts = []
    if "missing" in alarming or not total:
        trained = "?" if variable.missing is None else f"{variable.missing:.0%}"
        parts.append(f"missing {trained} -> {_missing(count):.0%}")
    if total and alarming != {"missing"}:
        before, after = _trained_median(variable, count), _median(variable, count)
        parts.append(f"median {before:.4g} -> {after:.4g}{unit}")
        if alarming and abs(after - before) < _SMALL * (variable.bounds[-1] - variable.bounds[0]):
            parts.append(_largest_change(variable, count.bins / total, unit))
    return ", ".join(parts)


def _trained_median(variable: Variable, count: Count) -> float:
    """The training data's median, estimated from bins where the other one is."""
    return variable.median_of(np.array(variable.shares)) if count.median is None else variable.median


def _largest_change(variable: Variable, shares: Any, unit: str) -> str:
    index = int(np.argmax(np.abs(shares - np.array(variable.shares))))
    low, high = (f"{value:.4g}" for value in variable.span(index))
    last = len(variable.shares) - 1
    where = f"up to {high}" if index == 0 else f"above {low}" if index == last else f"{low} to {high}"
    return f"{where}{unit}: {variable.shares[index]:.0%} -> {shares[index]:.0%} of the values"
