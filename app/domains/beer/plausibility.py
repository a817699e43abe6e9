"""Plausibility checks: warnings for values outside the trained range and for values that disagree."""

import math
from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.domains.api import Warning
from app.domains.beer.corrections import PH_HIGH, PH_LOW, contradict, exchanged, not_a_beers
from app.domains.beer.inputs import ABV, COMPARED_INPUTS, EBC, INPUTS, PH
from app.domains.beer.unit_slips import figure
from app.domains.beer.units import ABV_PER_POINT, EBC_PER_SRM
from app.domains.row_warnings import WarningsByRow

COLOUR_TOLERANCE = 0.1
"""Relative difference between EBC and 1.97 SRM that is allowed."""
MIN_COLOUR_GAP = 2.0
"""Difference in EBC that is always allowed: pale beers are stated in whole units."""
ABV_TOLERANCE = 0.15
"""Relative difference between ABV and the alcohol that follows from the gravities that is allowed."""
MIN_ABV_GAP = 1.0
"""Difference in % vol that is always allowed: in strong beers the rule itself is off by that much."""
ABV_UNITS = {100.0: "a fraction", 1.26: "alcohol by weight", 0.5: "US proof"}
"""Units in which alcohol may be sent by mistake, by what it has to be multiplied by."""
UNIT_TOLERANCE = 0.1
"""Relative difference at which a value fits in another unit."""
MANY = 16
"""Number of rows from which a vectorised check is faster than one row at a time."""


class PlausibilityChecks:
    """Checks the rows of one version of a model."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the checks.

        Args:
            manifest: Manifest of the version, with the trained ranges.
        """
        self._ranges = [declared.trained_range or (-math.inf, math.inf) for declared in manifest.inputs]
        exact = np.array(self._ranges)
        rounded = exact.astype(np.float32)  # an end of the range is inside in float32, too
        self._low, self._high = np.minimum(exact, rounded)[:, 0], np.maximum(exact, rounded)[:, 1]
        self._bounds = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        self._inputs = manifest.inputs
        self._columns = range(len(manifest.inputs))
        columns = [declared.name for declared in manifest.inputs]
        self._compared = [columns.index(declared.name) for declared in COMPARED_INPUTS]
        self._compared_of = itemgetter(*self._compared)

    def of(self, row: Sequence[float]) -> list[Warning]:
        """Check one row.

        Args:
            row: Values in the order of the manifest's inputs; NaN is missing.

        Returns:
            Warnings in the order of the inputs; empty for most beers.
        """
        result = []
        for index, value, (low, high) in zip(self._columns, row, self._bounds, strict=False):
            if value < low or value > high:
                result.append(self._outside(index, value))
        abv, og, fg, ebc, srm = self._compared_of(row)
        gap = abs(ebc - EBC_PER_SRM * srm)
        if gap > MIN_COLOUR_GAP and gap > COLOUR_TOLERANCE * ebc:
            result.append(_colour_mismatch(ebc, srm))
        gap = abs(abv - ABV_PER_POINT * (og - fg))
        if gap > MIN_ABV_GAP and gap > ABV_TOLERANCE * abv:
            result.append(_abv_mismatch(abv, og, fg))
        return result

    def of_each(self, rows: NDArray[np.float64]) -> list[list[Warning]]:
        """Check several rows.

        Args:
            rows: Shape (n_rows, n_inputs), see `of`.

        Returns:
            Warnings of each row.
        """
        result: list[list[Warning]] = [[] for _ in rows]
        for index, warning in self.by_row(rows):
            result[index].append(warning)
        return result

    def by_row(self, rows: NDArray[np.float64]) -> Sequence[tuple[int, Warning]]:
        """Check several rows and list the warnings; costs next to nothing where there are none.

        Args:
            rows: Shape (n_rows, n_inputs), see `of`.

        Returns:
            Row index and warning, by row and then in the order of `of`.
        """
        if len(rows) < MANY:
            return [(index, warning) for index, row in enumerate(rows.tolist()) for warning in self.of(row)]
        abv, og, fg, ebc, srm = rows.T[self._compared]
        colour_gap, abv_gap = np.abs(ebc - EBC_PER_SRM * srm), np.abs(abv - ABV_PER_POINT * (og - fg))
        disagree = [
            (colour_gap > MIN_COLOUR_GAP) & (colour_gap > COLOUR_TOLERANCE * ebc),
            (abv_gap > MIN_ABV_GAP) & (abv_gap > ABV_TOLERANCE * abv),
        ]
        flags = np.column_stack([(rows < self._low) | (rows > self._high), *disagree])
        return WarningsByRow(flags, rows, self._warning)

    def _warning(self, check: int, row: Sequence[float]) -> Warning:
        """Make the warning of a check: one for each input, then colours and alcohol."""
        if check < len(self._inputs):
            return self._outside(check, row[check])
        abv, og, fg, ebc, srm = self._compared_of(row)
        return _colour_mismatch(ebc, srm) if check == len(self._inputs) else _abv_mismatch(abv, og, fg)

    def _outside(self, index: int, value: float) -> Warning:
        declared, (low, high) = self._inputs[index], self._ranges[index]
        known = INPUTS[declared.name]
        what = f"{known.field}: {known.label}" if known.label else known.name
        unit = f" {declared.unit}" if declared.unit and declared.unit != known.symbol else ""
        ignored = ""
        if known is PH and not_a_beers(value):
            ignored = f". Beers have {PH_LOW:g} to {PH_HIGH:g}, so the prediction is the same as without a pH"
        return {
            "code": "outside_trained_range",
            "message": f"{what} is {figure(value)}{unit}; the model was trained on {low:g} to {high:g}{unit}{ignored}.",
            "field": known.field,
        }


def _colour_mismatch(ebc: float, srm: float) -> Warning:
    message = f"ebc is {figure(ebc)} and srm {figure(srm)}, which is {figure(EBC_PER_SRM * srm)} EBC (1.97 times SRM)"
    received = "the EBC alone" if contradict(ebc, srm) else "both values as given"
    if exchanged(ebc, srm):
        message, received = f"{message}; they are probably exchanged", "them the other way round, which fits"
    elif _near(ebc, srm):
        message += "; one of them is probably in the other's unit"
    return {
        "code": "colour_mismatch",
        "message": f"{message}. The model received {received}.",
        "field": EBC.field,
    }


def _abv_mismatch(abv: float, og: float, fg: float) -> Warning:
    expected = ABV_PER_POINT * (og - fg)
    message = f"abv is {figure(abv)} % vol; {figure(expected)} % vol follows from the gravities, by 131.25 (OG - FG)"
    for factor, unit in ABV_UNITS.items():
        if _near(abv * factor, expected):
            message += f". It is probably {unit}: {figure(abv * factor)} % vol"
    return {"code": "abv_mismatch", "message": f"{message}.", "field": ABV.field}


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= UNIT_TOLERANCE * other
