"""The prediction intervals of a version: those that a request asks for by `coverage`, and all that it has."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.errors import Problem
from app.runtime.predictor import Array

LOWER, UPPER = "lower", "upper"
"""Outputs with the ends of the interval that every version has."""
_FURTHER = re.compile(rf"{LOWER}_([1-9][0-9]?)")


class Intervals:
    """The calibrated intervals of one version, by coverage."""

    def __init__(self, manifest: Manifest) -> None:
        """Find the outputs that are ends of intervals.

        Args:
            manifest: Manifest of the version. The outputs ``lower_80`` and ``upper_80`` are the ends of the interval
                that covers 80 %.
        """
        outputs = {output.name for output in manifest.outputs}
        ends = {} if manifest.coverage is None else {manifest.coverage: (LOWER, UPPER)}
        for match in filter(None, map(_FURTHER.fullmatch, outputs)):
            if (upper := f"{UPPER}_{match[1]}") in outputs:
                ends.setdefault(int(match[1]) / 100, (match[0], upper))
        self.ends = dict(sorted(ends.items()))
        """Outputs with the lower and the upper end, by coverage."""
        self._version = f"{manifest.name} version {manifest.version}"

    def problems(self, asked: Sequence[float]) -> list[Problem]:
        """Find the coverages that the version has no interval for, or that are asked for more than once.

        Args:
            asked: Coverages of a request, from its field ``coverage``.
        """
        known = " or ".join(f"{coverage:g}" for coverage in self.ends)
        reason = f"must be {known}: {self._version} has no other interval"
        found = [
            Problem(f"coverage.{index}", "unknown_coverage", reason)
            for index, coverage in enumerate(asked)
            if coverage not in self.ends
        ]
        if len(set(asked)) < len(asked):
            repeated = (index for index, coverage in enumerate(asked) if coverage in asked[:index])
            found += [Problem(f"coverage.{index}", "given_twice", "is given more than once") for index in repeated]
        return found

    def problems_of_quantiles(self) -> list[Problem]:
        """Find why the version has no quantiles, which a request asks for by ``quantiles``."""
        reason = f"is not possible: {self._version} has no calibrated interval"
        return [] if self.ends else [Problem("quantiles", "unknown_coverage", reason)]

    def figures(self, outputs: Mapping[str, Array], row: int, asked: Sequence[float]) -> NDArray[np.float64]:
        """Return the ends of the intervals of one row, IBU, shape (n_asked, 2).

        Args:
            outputs: Outputs of the model, shape (n_rows, 1) each.
            row: Index of the row.
            asked: Coverages without problems.
        """
        return np.array([[outputs[end][row, 0] for end in self.ends[coverage]] for coverage in asked], np.float64)
