"""Completes and validates rows that arrive by the Open Inference Protocol, as the typed API does."""

from collections.abc import Sequence

import numpy as np

from app.bundle.manifest import Manifest
from app.domains.beer.corrections import Corrections
from app.domains.beer.inputs import ABV, FG, INPUTS, OG
from app.domains.beer.plausibility import PlausibilityChecks
from app.domains.beer.units import ABV_PER_POINT
from app.errors import InputError, Problem
from app.oip.signature import ModelSignature, RowValidator, RowWarnings
from app.runtime.predictor import Array

FEW = 4
"""Number of rows up to which a check of one row at a time is faster than a vectorised one."""


class BeerSignature(ModelSignature):
    """The signature of a beer model, which takes rows without alcohol: it follows from the gravities."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the signature.

        Args:
            manifest: Manifest of the version.
        """
        super().__init__(manifest, computed=(ABV.name,))
        names = [declared.name for declared in manifest.inputs]
        self._abv, self._og, self._fg = (names.index(declared.name) for declared in (ABV, OG, FG))

    def complete(self, rows: Array) -> Array:
        """Compute the alcohol of rows without it; see `ModelSignature.complete`."""
        missing = np.isnan(rows[:, self._abv])
        if not missing.any():
            return rows
        completed = rows.copy()
        og, fg = rows[missing][:, [self._og, self._fg]].astype(np.float64).T
        completed[missing, self._abv] = ABV_PER_POINT * (og - fg)
        return completed


class BeerRowValidator(RowValidator):
    """Validates rows of one version as the domain API validates beers."""

    def __init__(self, manifest: Manifest, corrections: Corrections, plausibility: PlausibilityChecks) -> None:
        """Initialize the validator.

        Args:
            manifest: Manifest of the version.
            corrections: Corrections of the version.
            plausibility: Checks of the version.
        """
        self._names = [declared.name for declared in manifest.inputs]
        self._units = [f" {declared.unit}" if declared.unit else "" for declared in manifest.inputs]
        bounds = [(INPUTS[name].low, INPUTS[name].high) for name in self._names]
        self._low, self._high = np.array(bounds, np.float32).T
        self._bounds = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        self._og, self._fg = self._names.index(OG.name), self._names.index(FG.name)
        self._corrections = corrections
        self._plausibility = plausibility

    def validate(self, rows: Array) -> RowWarnings:
        """Validate rows.

        Args:
            rows: Shape (n_rows, n_inputs), float32, columns in the manifest's order, gravities in points; NaN is
                missing.

        Returns:
            Row index and warning, by row.

        Raises:
            InputError: If a value is out of bounds or the gravities contradict each other. It names the first wrong
                row of each input.
        """
        if len(rows) > FEW or not all(map(self._is_valid, rows.tolist())):
            self._raise_if_invalid(rows)
        return self._plausibility.by_row(rows.astype(np.float64))

    def correct(self, rows: Array) -> Array:
        """Correct what is certainly wrong, as for the typed API; see `RowValidator.correct`."""
        return self._corrections.of(rows)

    def _is_valid(self, row: Sequence[float]) -> bool:
        for value, (low, high) in zip(row, self._bounds, strict=True):
            if value < low or value > high:
                return False
        return not row[self._fg] > row[self._og]

    def _raise_if_invalid(self, rows: Array) -> None:
        wrong = (rows < self._low) | (rows > self._high)
        problems = [self._out_of_bounds(wrong, column) for column in np.flatnonzero(wrong.any(axis=0)).tolist()]
        swapped = (rows[:, self._fg] > rows[:, self._og]) & ~wrong[:, [self._og, self._fg]].any(axis=1)
        if swapped.any():
            reason = f"row {int(swapped.argmax())}: the final gravity is above the original gravity ({OG.name})"
            problems.append(Problem(f"inputs.{FG.name}", "gravities_swapped", reason))
        if problems:
            raise InputError(problems)

    def _out_of_bounds(self, wrong: Array, column: int) -> Problem:
        low, high = self._low[column], self._high[column]
        unit = self._units[column]
        allowed = f"{low:g} to {high:g}{unit}" if np.isfinite(high) else f"{low:g}{unit} or more"
        reason = f"row {int(wrong[:, column].argmax())}: must be {allowed}"
        return Problem(f"inputs.{self._names[column]}", "out_of_bounds", reason)
