"""Corrects values that are certainly wrong, by the rules by which training cleans its recipes.

A pH that no beer has is missing. Colours that fit only the other way round are exchanged; where the two contradict each
other otherwise, the EBC counts and the SRM is missing. `app.domains.beer.plausibility` warns about each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.bundle.manifest import Manifest
from app.domains.beer.inputs import EBC, PH, SRM
from app.domains.beer.units import EBC_PER_SRM
from app.runtime.predictor import Array

COLOUR_GAP, COLOUR_SHARE = 2.0, 0.25
"""Difference between two colours that contradict each other: more than so many units, and than this share of the first;
both are rounded, and brewers convert by other factors, too."""
PH_LOW, PH_HIGH = PH.clean_range or (PH.low, PH.high)
"""The pH that beers have. Wort and water have more."""
FEW = 4
"""Number of rows up to which a look at one row at a time is faster."""


def contradict(ebc: Any, srm: Any) -> Any:
    """Whether two colours contradict each other.

    Args:
        ebc: Colour in EBC: numbers, arrays or columns of a table; NaN is missing.
        srm: Colour in SRM, likewise.
    """
    gap = abs(ebc - EBC_PER_SRM * srm)
    return (gap > COLOUR_GAP) & (gap > COLOUR_SHARE * ebc)


def exchanged(ebc: Any, srm: Any) -> Any:
    """Whether two colours contradict each other, and would not the other way round; see `contradict`."""
    return contradict(ebc, srm) & (contradict(srm, ebc) ^ True)


class Corrections:
    """Corrects the rows of one version of a model."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the corrections.

        Args:
            manifest: Manifest of the version.
        """
        names = [declared.name for declared in manifest.inputs]
        self._ebc, self._srm = names.index(EBC.name), names.index(SRM.name)
        self._ph = names.index(PH.name) if PH.name in names else None

    def of(self, rows: Array) -> Array:
        """Correct rows.

        Args:
            rows: Shape (n_rows, n_inputs), columns in the manifest's order; NaN is missing.

        Returns:
            The rows, or a changed copy.
        """
        if len(rows) <= FEW and not any(map(self._is_wrong, rows.tolist())):
            return rows
        ebc, srm = rows[:, self._ebc], rows[:, self._srm]
        swapped, contradicting = exchanged(ebc, srm), contradict(ebc, srm)
        result = rows.copy()
        result[swapped, self._ebc], result[swapped, self._srm] = srm[swapped], ebc[swapped]
        result[contradicting & ~swapped, self._srm] = np.nan
        if self._ph is not None:
            ph = rows[:, self._ph]
            result[(ph < PH_LOW) | (ph > PH_HIGH), self._ph] = np.nan
        return result

    def _is_wrong(self, row: Sequence[float]) -> bool:
        if self._ph is not None and not_a_beers(row[self._ph]):
            return True
        return bool(contradict(row[self._ebc], row[self._srm]))


def not_a_beers(ph: float) -> bool:
    """Whether a pH is one that no beer has; False for NaN."""
    return ph < PH_LOW or ph > PH_HIGH
