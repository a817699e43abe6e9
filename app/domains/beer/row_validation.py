"""Rows of the beer models as they come over the open protocol: the bounds, contradictions and doubts of the schema."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.bundle.manifest import Manifest
from app.domains.beer.plausibility import PlausibilityChecks
from app.domains.beer.recipe import VITAL_COLUMNS
from app.domains.beer.schema import Beer
from app.errors import InputError, Problem
from app.oip.signature import Checked
from app.runtime.predictor import Array

GRAVITIES = (900.0, 1300.0)
"""Points; specific gravity is for people, and the manifest declares the unit."""
FEW = 4
"""Rows up to which it pays to look at them one by one."""
_AMOUNT = (0.0, np.inf)
"""Of what a hop bill or a grist comes to."""
_OG, _FG = VITAL_COLUMNS.index("target_og"), VITAL_COLUMNS.index("target_fg")


class RowCheck:
    """Looks at rows of one version as the typed face looks at beers."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the row check.

        Args:
            manifest: Of the version.
        """
        self._names = [declared.name for declared in manifest.inputs]
        self._units = [f" {declared.unit}" if declared.unit else "" for declared in manifest.inputs]
        self._low, self._high = np.array([_BOUNDS.get(name, _AMOUNT) for name in self._names], np.float32).T
        self._bounds = list(zip(self._low.tolist(), self._high.tolist(), strict=True))
        self._doubts = PlausibilityChecks(manifest)

    def __call__(self, rows: Array) -> Checked:
        """Look at rows.

        Args:
            rows: Shape (n_rows, n_inputs), float32, columns in the manifest's order; NaN is missing.

        Returns:
            Row number and warning, by row.

        Raises:
            InputError: A value is out of bounds, or the gravities contradict each other; the first row of each input
                that is wrong is told.
        """
        if len(rows) > FEW or not all(map(self._is_right, rows.tolist())):
            self._refuse_wrong(rows)
        return self._doubts.by_row(rows.astype(np.float64))

    def _is_right(self, row: Sequence[float]) -> bool:
        for value, (low, high) in zip(row, self._bounds, strict=True):
            if value < low or value > high:
                return False
        return not row[_FG] > row[_OG]

    def _refuse_wrong(self, rows: Array) -> None:
        wrong = (rows < self._low) | (rows > self._high)
        if wrong.any():
            columns = np.flatnonzero(wrong.any(axis=0)).tolist()
            raise InputError([self._out_of_bounds(wrong, column) for column in columns])
        swapped = rows[:, _FG] > rows[:, _OG]
        if swapped.any():
            reason = f"row {int(swapped.argmax())}: the final gravity is above the original gravity (target_og)"
            raise InputError([Problem("inputs.target_fg", "gravities_swapped", reason)])

    def _out_of_bounds(self, wrong: Array, column: int) -> Problem:
        low, high = self._low[column], self._high[column]
        unit = self._units[column]
        allowed = f"{low:g} to {high:g}{unit}" if np.isfinite(high) else f"{low:g}{unit} or more"
        reason = f"row {int(wrong[:, column].argmax())}: must be {allowed}"
        return Problem(f"inputs.{self._names[column]}", "out_of_bounds", reason)


def _bounds(field: str) -> tuple[float, float]:
    metadata: list[Any] = Beer.model_fields[field].metadata
    low, high = (next(getattr(part, side) for part in metadata if hasattr(part, side)) for side in ("ge", "le"))
    return float(low), float(high)


_BOUNDS = {name: GRAVITIES if name in ("target_og", "target_fg") else _bounds(name) for name in VITAL_COLUMNS}
