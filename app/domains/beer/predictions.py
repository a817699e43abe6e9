"""Builds the rows that a version of a beer model takes and the predictions that a response holds."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.domains.api import ModelRef, Warning
from app.domains.beer.answers import Interval, Prediction
from app.domains.beer.corrections import FEW, Corrections
from app.domains.beer.distribution import Distribution
from app.domains.beer.inputs import (
    HOP_INPUTS,
    INPUTS,
    MALT_INPUTS,
    RECIPE_INPUTS,
    STYLE_INPUTS,
    STYLED_INPUTS,
    VITAL_INPUTS,
    YEAST_INPUTS,
    names,
)
from app.domains.beer.intervals import Intervals
from app.domains.beer.metrics import BeerMetrics
from app.domains.beer.plausibility import PlausibilityChecks
from app.domains.beer.recipe import ResolvedBill, assumptions, resolve, vital_rows
from app.domains.beer.schema import Beer, BeerFigures
from app.domains.beer.style_match import match_style
from app.domains.beer.styles import Range, bitterness_of
from app.domains.beer.units import points
from app.domains.beer.untold import HeldOutErrors
from app.errors import InputError
from app.models.metrics import INVALID
from app.runtime.predictor import Array, invalid_output
from app.telemetry.metrics import Registry

OUTPUTS = ("ibu", "lower", "upper")
MAX_IBU = 1e6
"""Absolute value in IBU from which an output is invalid."""

WATER = 1000.0
"""Gravity of water, points."""
UNKNOWN = Range(np.nan, np.nan)
"""Bitterness of a style that is not known."""

Rows = NDArray[np.float64]
_HOPS = slice(len(VITAL_INPUTS), len(VITAL_INPUTS) + len(HOP_INPUTS))
"""Columns of the hops in a row that this program makes of a beer with a hop bill."""


class PredictionBuilder:
    """Builds inputs and predictions of one version."""

    def __init__(
        self, manifest: Manifest, corrections: Corrections, plausibility: PlausibilityChecks, metrics: Registry
    ) -> None:
        """Initialize the builder.

        Args:
            manifest: Manifest of the version.
            corrections: Corrections of the version.
            plausibility: Checks of the version.
            metrics: Registry that counts the predictions.
        """
        self.manifest = manifest
        self._model: ModelRef = {"name": manifest.name, "version": manifest.version}
        self._coverage = manifest.coverage or 0.0
        self._corrections = corrections
        self._plausibility = plausibility
        self._metrics = BeerMetrics(metrics, manifest)
        self._invalid = metrics.counter(INVALID, manifest.name, manifest.version)
        self.intervals = Intervals(manifest)
        """The version's intervals, by coverage."""
        self.held_out_errors = HeldOutErrors(manifest)
        """The version's errors on beers with missing values."""
        self._columns = _columns(manifest)
        self._unread = _unread(manifest)
        self.reads_hops = any(INPUTS[column.name].field == HOP_INPUTS[0].field for column in manifest.inputs)
        """Whether the version reads hop bills."""
        self.reads_style = any(column.name in names(STYLE_INPUTS) for column in manifest.inputs)
        """Whether the version reads the style."""

    def rows(self, beers: Sequence[Beer]) -> tuple[Rows, list[ResolvedBill]]:
        """Make the version's inputs.

        Args:
            beers: Beers without contradictions. All of them have a hop bill, or none has. If the version reads the
                style, all have one whose bitterness is known.

        Returns:
            Values in the order of the manifest's inputs, shape (n_beers, n_inputs), NaN is missing; and the resolved
            hop bills.
        """
        bills = [resolve(beer, beer.hops, self._unread) for beer in beers if beer.hops is not None]
        return self.rows_of(beers, bills), bills

    def rows_of(self, beers: Sequence[Beer], bills: Sequence[ResolvedBill]) -> Rows:
        """Make the version's inputs of beers with resolved hop bills; see `rows`.

        Args:
            beers: As in `rows`.
            bills: The hop bill of each; empty if the beers have none.
        """
        rows = self._made_rows(beers, bills)
        return rows if self._columns is None else rows[:, self._columns]

    def rows_with(self, beer: Beer, bill: ResolvedBill, hops: Rows) -> Rows:
        """Make the version's inputs of one beer with other hops.

        Args:
            beer: A beer with a hop bill.
            bill: Its resolved bill; what it has of malts and yeast stays.
            hops: Values of `app.domains.beer.inputs.HOP_INPUTS`, shape (n, n_hop_inputs).

        Returns:
            As `rows`, shape (n, n_inputs).
        """
        rows = np.repeat(self._made_rows([beer], [bill]), len(hops), axis=0)
        rows[:, _HOPS] = hops
        return rows if self._columns is None else rows[:, self._columns]

    def _made_rows(self, beers: Sequence[Beer], bills: Sequence[ResolvedBill]) -> Rows:
        """All inputs that this program makes of beers, of which the version takes some."""
        rows = vital_rows(beers)
        if bills:
            rows = np.concatenate([rows, [bill.columns for bill in bills]], axis=1)
        if self.reads_style:
            rows = np.concatenate([rows, [bitterness_of(beer.style or "") or UNKNOWN for beer in beers]], axis=1)
        return rows

    def rows_of_vitals(self, rows: Rows) -> Rows:
        """Make the version's inputs of the vital figures alone.

        Args:
            rows: As `app.domains.beer.recipe.vital_rows` makes them.
        """
        return rows if self._columns is None else rows[:, self._columns]

    def plausibility_of(self, rows: Rows) -> Sequence[tuple[int, Warning]]:
        """Warn of implausible inputs; see `PlausibilityChecks.by_row`."""
        return self._plausibility.by_row(rows)

    def can_read(self, beer: BeerFigures) -> bool:
        """Whether a beer has what the version reads beside the vital figures: a hop bill, or a style with a range."""
        if self.reads_style:
            return beer.style is not None and bitterness_of(beer.style) is not None
        return beer.hops is not None or not self.reads_hops

    def features(self, rows: Rows) -> Array:
        """Make what the model takes of rows from `rows`: corrected, float32."""
        return self._corrections.of(rows).astype(np.float32)

    def warnings(self, rows: Rows, bills: Sequence[ResolvedBill]) -> list[list[Warning]]:
        """Warn of what makes predictions less certain.

        Args:
            rows: Inputs from `rows`, shape (n_beers, n_inputs).
            bills: Hop bills from `rows`.

        Returns:
            Warnings of each beer; empty for most.
        """
        warnings = self._plausibility.of_each(rows)
        if bills:
            warnings = [bill.warnings + of_row for bill, of_row in zip(bills, warnings, strict=True)]
        return warnings

    def predictions(
        self,
        beers: Sequence[Beer],
        rows: Rows,
        outputs: Mapping[str, Array],
        bills: Sequence[ResolvedBill] = (),
        coverage: Sequence[float] | None = None,
        quantiles: int | None = None,
    ) -> list[Prediction]:
        """Build the predictions and count them.

        Args:
            beers: The beers.
            rows: Inputs from `rows`, shape (n_beers, n_inputs).
            outputs: Outputs of the model, shape (n_beers, 1) each, float32, IBU.
            bills: Hop bills from `rows`.
            coverage: Coverages of the intervals of all beers; by default each beer has its own.
            quantiles: Number of the quantiles of all beers; by default each beer has its own.

        Returns:
            One prediction per beer.

        Raises:
            InputError: If a beer asks for quantiles, and the version has no calibrated interval.
            InvalidOutput: If an output is not a number or too large, or an interval ends below its start.
        """
        figures, rounded = self._checked(outputs, len(beers))
        warnings = self.warnings(rows, bills)
        model, promised = self._model, self._coverage
        predictions: list[Prediction] = [
            {
                "ibu": ibu,
                "interval": {"lower": lower, "upper": upper, "coverage": promised},
                "model": model,
                "warnings": of_row,
            }
            for (ibu, lower, upper), of_row in zip(rounded, warnings, strict=True)
        ]
        for bill, prediction in zip(bills, predictions, strict=False):
            prediction["estimates"] = {"tinseth": round(bill.tinseth, 1), "physical": round(bill.physical, 1)}
        for index, beer in enumerate(beers):
            if (above := points(beer.target_og) - WATER) > 0.0:
                predictions[index]["bu_gu"] = round(predictions[index]["ibu"] / above, 2)
            if (bills or beer.abv is None) and (assumed := assumptions(beer, bills[index] if bills else None)):
                predictions[index]["assumptions"] = assumed
            if beer.style is not None:
                prediction = predictions[index]
                match = match_style(beer.style, prediction["ibu"], prediction["interval"], prediction["warnings"])
                if match is not None:
                    prediction["style"] = match
            if asked := coverage or beer.coverage:
                predictions[index]["intervals"] = self._intervals(outputs, index, asked)
            if count := quantiles or beer.quantiles:
                predictions[index]["quantiles"] = self._quantiles(outputs, index, predictions[index]["ibu"], count)
        self._metrics.count(figures, warnings)
        return predictions

    def _checked(
        self, outputs: Mapping[str, Array], count: int
    ) -> tuple[Rows | list[tuple[float, ...]], list[list[float]]]:
        """Return `OUTPUTS` by row, as they are and rounded to 0.1.

        Raises:
            InvalidOutput: If an output is not a number or too large, or an interval ends below its start.
        """
        columns = [outputs[name] for name in OUTPUTS]
        if count <= FEW:  # arrays of so few rows cost more than they save
            figures: Rows | list[tuple[float, ...]] = list(
                zip(*(column.ravel().tolist() for column in columns), strict=True)
            )
            rounded = [[round(figure, 1) for figure in of_beer] for of_beer in figures]
        else:
            figures = table = np.concatenate(columns, axis=1).astype(np.float64)
            rounded = tenths(table).tolist()
        for ibu, lower, upper in rounded:
            if not (-MAX_IBU < lower <= upper < MAX_IBU and -MAX_IBU < ibu < MAX_IBU):  # false for NaN as well
                self._invalid.inc()
                raise invalid_output(self.manifest, "ibu, lower or upper")
        return figures, rounded

    def _intervals(self, outputs: Mapping[str, Array], row: int, asked: Sequence[float]) -> list[Interval]:
        """Build intervals of one beer.

        Raises:
            InvalidOutput: If an end is not a number or too large, or an interval ends below its start.
        """
        ends = tenths(self.intervals.figures(outputs, row, asked)).tolist()
        if not all(-MAX_IBU < lower <= upper < MAX_IBU for lower, upper in ends):  # false for NaN as well
            self._invalid.inc()
            raise invalid_output(self.manifest, "intervals")
        return [
            {"lower": lower, "upper": upper, "coverage": coverage}
            for (lower, upper), coverage in zip(ends, asked, strict=True)
        ]

    def _quantiles(self, outputs: Mapping[str, Array], row: int, ibu: float, count: int) -> list[float]:
        """Compute the quantiles that one beer asks for, from all intervals of the version.

        Raises:
            InputError: If the version has no calibrated interval.
            InvalidOutput: If an end is not a number or too large, or an interval ends below its start.
        """
        if problems := self.intervals.problems_of_quantiles():
            raise InputError(problems)
        return Distribution(ibu, self._intervals(outputs, row, list(self.intervals.ends))).quantiles(count)


def _columns(manifest: Manifest) -> list[int] | None:
    """Columns of a version's inputs in a row that this program makes; None if they are the row."""
    declared = [column.name for column in manifest.inputs]
    made = names(VITAL_INPUTS)
    if not set(declared) <= set(made):
        made = names(STYLED_INPUTS if set(declared) <= set(names(STYLED_INPUTS)) else RECIPE_INPUTS)
    return None if declared == list(made) else [made.index(name) for name in declared]


def _unread(manifest: Manifest) -> frozenset[str]:
    """The fields among malts and yeast that a version has no input for."""
    declared = {column.name for column in manifest.inputs}
    unread = [group[0].field for group in (MALT_INPUTS, YEAST_INPUTS) if declared.isdisjoint(names(group))]
    return frozenset(unread)


def tenths(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to 0.1 as `round` does: ten times a float32 is exact in a float64, and so are the ties."""
    rounded: NDArray[np.float64] = np.rint(figures * 10.0) / 10.0
    return rounded
