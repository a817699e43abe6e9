"""What makes a beer's answer less sure than its interval says: figures out of range or at odds with each other."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Input, Manifest
from app.domains.api import Warning
from app.domains.beer.recipe import FIELDS
from app.domains.beer.units import ABV_PER_POINT, EBC_PER_SRM

COLOUR_TOLERANCE = 0.1
"""Share by which EBC may differ from 1.97 SRM, ..."""
LEAST_COLOUR_GAP = 2.0
"""... and EBC by which it must differ at least to be worth a word: pale beers are stated in whole units."""
ABV_TOLERANCE = 0.15
"""Share by which ABV may differ from what the gravities give, ..."""
LEAST_ABV_GAP = 1.0
"""... and % vol by which it must differ at least: the rule itself is off by that much in strong beers."""
MANY = 16
"""Beers from which on it pays to look for doubtful ones all at once."""


class PlausibilityChecks:
    """Finds what is doubtful of the beers that one version of a model answers."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the plausibility checks.

        Args:
            manifest: Of the version; holds the trained ranges.
        """
        self._inputs = manifest.inputs
        self._ranges = [declared.trained_range or (-math.inf, math.inf) for declared in manifest.inputs]
        exact = np.array(self._ranges)
        rounded = exact.astype(np.float32)  # an end of the range may arrive as float32, and is no more outside for that
        self._low, self._high = np.minimum(exact, rounded)[:, 0], np.maximum(exact, rounded)[:, 1]
        self._ends = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        outside = (_outside(i, *ends) for i, ends in zip(self._inputs, self._ranges, strict=True))
        self._warnings = [*outside, _COLOUR_MISMATCH, _ABV_MISMATCH]

    def of(self, row: Sequence[float]) -> list[Warning]:
        """Warnings for one beer.

        Args:
            row: The inputs in the manifest's order, the six vital figures first; NaN is missing.

        Returns:
            Warnings, in the order of the inputs; empty for most beers.
        """
        found = []
        for warning, value, (low, high) in zip(self._warnings, row, self._ends, strict=False):
            if value < low or value > high:
                found.append(warning)
        abv, og, fg, ebc, srm = row[:5]
        gap = abs(ebc - EBC_PER_SRM * srm)
        if gap > LEAST_COLOUR_GAP and gap > COLOUR_TOLERANCE * ebc:
            found.append(_COLOUR_MISMATCH)
        gap = abs(abv - ABV_PER_POINT * (og - fg))
        if gap > LEAST_ABV_GAP and gap > ABV_TOLERANCE * abv:
            found.append(_ABV_MISMATCH)
        return found

    def of_each(self, rows: NDArray[np.float64]) -> list[list[Warning]]:
        """Warnings for many beers: the doubtful ones are looked for all at once where there are enough of them.

        Args:
            rows: Shape (n_rows, n_inputs), as `of` takes each.

        Returns:
            Warnings of each beer.
        """
        found: list[list[Warning]] = [[] for _ in rows]
        for number, warning in self.by_row(rows):
            found[number].append(warning)
        return found

    def by_row(self, rows: NDArray[np.float64]) -> list[tuple[int, Warning]]:
        """Warnings for many beers, each with its beer's number; costs next to nothing where there are none.

        Args:
            rows: Shape (n_rows, n_inputs), as `of` takes each.

        Returns:
            Number and warning, by beer and then as `of` orders them.
        """
        if len(rows) < MANY:
            return [(number, warning) for number, row in enumerate(rows.tolist()) for warning in self.of(row)]
        abv, og, fg, ebc, srm = rows[:, :5].T
        colour, alcohol = np.abs(ebc - EBC_PER_SRM * srm), np.abs(abv - ABV_PER_POINT * (og - fg))
        at_odds = [
            (colour > LEAST_COLOUR_GAP) & (colour > COLOUR_TOLERANCE * ebc),
            (alcohol > LEAST_ABV_GAP) & (alcohol > ABV_TOLERANCE * abv),
        ]
        doubtful = np.column_stack([(rows < self._low) | (rows > self._high), *at_odds])
        return [(number, self._warnings[kind]) for number, kind in np.argwhere(doubtful).tolist()]


_COLOUR_MISMATCH: Warning = {
    "code": "colour_mismatch",
    "message": "ebc and srm disagree: EBC is 1.97 times SRM. The model saw both as given.",
    "field": "ebc",
}
_ABV_MISMATCH: Warning = {
    "code": "abv_mismatch",
    "message": "abv does not follow from the gravities: about 131.25 (OG - FG) in specific gravity is expected.",
    "field": "abv",
}


def _outside(declared: Input, low: float, high: float) -> Warning:
    field = FIELDS[declared.name]
    what = field if field == declared.name else f"{field} ({declared.description})"
    return {
        "code": "outside_trained_range",
        "message": f"{what} is outside what the model has seen: {low:g} to {high:g} {declared.unit}".rstrip() + ".",
        "field": field,
    }
