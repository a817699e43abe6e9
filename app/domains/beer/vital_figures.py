"""Predictions for many beers of which nothing but the vital figures is known, as arrays.

Each equals what `app.domains.beer.api.BeerApi.predict` answers to the beer alone, and takes a hundredth of the time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domains.api import Warning
from app.domains.beer.inputs import ABV, EBC, FG, OG, PH, SRM, VITAL_INPUTS
from app.domains.beer.predictions import MAX_IBU, OUTPUTS, WATER, PredictionBuilder, tenths
from app.domains.beer.recipe import assumption_of_abv
from app.domains.beer.units import ABV_PER_POINT, MAX_SG, POINTS_PER_SG, points
from app.models.loaded import LoadedModel
from app.runtime.predictor import Array

Figures = NDArray[np.float64]
Run = Callable[[Array], Mapping[str, Array]]
"""Takes features, shape (n_rows, n_inputs), float32, and returns the outputs of the graph."""
FIELDS = tuple(declared.field for declared in VITAL_INPUTS)
"""Fields of a beer's vital figures, in the order of the columns of `Figures`."""
_ABV, _OG, _FG = (VITAL_INPUTS.index(declared) for declared in (ABV, OG, FG))
_BOUNDED = [(VITAL_INPUTS.index(declared), declared.low, declared.high) for declared in (ABV, EBC, SRM, PH)]
_GRAVITIES = [_OG, _FG]
_NEAR_TIE = 1e-6
"""Distance from the middle between two hundredths at which multiplication might round to the other one."""


@dataclass(frozen=True, slots=True)
class VitalAnswers:
    """Predictions as arrays, one row for each beer."""

    ibu: Figures
    """Bitterness, IBU, rounded as in a prediction; so are the ends of the interval."""
    lower: Figures
    """Lower end of the interval, IBU."""
    upper: Figures
    """Upper end of the interval, IBU."""
    is_valid: NDArray[np.bool_]
    """Whether the model has a valid answer."""
    bu_gu: Figures
    """See `app.domains.beer.answers.Prediction`; NaN where a prediction has none."""
    warnings: Sequence[tuple[int, Warning]]
    """Index of the beer and warning, by beer."""
    assumed: dict[int, float]
    """By index of each beer that does not state it: its alcohol as it follows from the gravities, % vol."""
    coverage: float
    """Coverage of the intervals."""

    def parts(self, index: int) -> dict[str, Any]:
        """Return what a prediction has beside warnings and model.

        Args:
            index: Index of the beer.
        """
        interval = {
            "lower": float(self.lower[index]),
            "upper": float(self.upper[index]),
            "coverage": self.coverage,
        }
        return {"ibu": float(self.ibu[index]), "interval": interval}


def are_valid(figures: Figures) -> NDArray[np.bool_]:
    """Return which beers the schema accepts and do not contradict themselves.

    Args:
        figures: As sent: gravities in points or as specific gravity; NaN is missing.
    """
    gravities = figures[:, _GRAVITIES]
    in_points = (gravities >= OG.low) & (gravities <= OG.high)
    specific = (gravities >= OG.low / POINTS_PER_SG) & (gravities <= OG.high / POINTS_PER_SG)
    valid = (in_points | specific).all(axis=1)
    for column, low, high in _BOUNDED:
        values = figures[:, column]
        valid &= np.isnan(values) | ((values >= low) & (values <= high))
    converted = in_points_of(gravities)
    valid &= converted[:, 1] <= converted[:, 0]
    return valid


def in_points_of(gravities: Figures) -> Figures:
    """Convert gravities to points; see `app.domains.beer.units.points`."""
    specific = gravities < MAX_SG
    if not specific.any():
        return gravities
    result = gravities.copy()
    result[specific] = [points(gravity) for gravity in gravities[specific].tolist()]
    return result


def answer_vitals(loaded: LoadedModel, figures: Figures, run: Run | None = None) -> VitalAnswers:
    """Predict beers by the vitals model. Nothing is counted in metrics or recorded.

    Args:
        loaded: A version of the model.
        figures: Valid figures, see `are_valid`; shape (n_beers, n_figures), columns as in `FIELDS`.
        run: Runs the graph in place of the loaded version, with the same results.

    Raises:
        CallError: If the model cannot answer.
    """
    builder = loaded.prepared(PredictionBuilder)
    made = figures.copy()
    made[:, _GRAVITIES] = in_points_of(figures[:, _GRAVITIES])
    missing = np.isnan(figures[:, _ABV])
    alcohol = ABV_PER_POINT * (made[missing, _OG] - made[missing, _FG])
    made[missing, _ABV] = alcohol
    rows = builder.rows_of_vitals(made)
    features = builder.features(rows)
    outputs = loaded.what_if({"features": features}) if run is None else run(features)
    table = tenths(np.concatenate([outputs[name] for name in OUTPUTS], axis=1).astype(np.float64))
    ibu, lower, upper = table.T
    is_valid = (lower > -MAX_IBU) & (lower <= upper) & (upper < MAX_IBU) & (ibu > -MAX_IBU) & (ibu < MAX_IBU)
    return VitalAnswers(
        ibu=ibu,
        lower=lower,
        upper=upper,
        is_valid=is_valid,
        bu_gu=_ratios(ibu, made[:, _OG] - WATER),
        warnings=builder.plausibility_of(rows),
        assumed=dict(zip(np.flatnonzero(missing).tolist(), alcohol.tolist(), strict=True)),
        coverage=loaded.manifest.coverage or 0.0,
    )


def _ratios(ibu: Figures, above: Figures) -> Figures:
    """Bitterness to gravity, rounded to two decimal places as `round` does; NaN where there is no gravity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hundreds = np.where(above > 0.0, ibu / above, np.nan) * 100.0
    rounded: Figures = np.rint(hundreds) / 100.0
    for index in np.flatnonzero(np.abs(hundreds - np.floor(hundreds) - 0.5) < _NEAR_TIE).tolist():
        rounded[index] = round(float(ibu[index]) / float(above[index]), 2)
    return rounded


def assumptions_of(alcohol: float | None) -> list[Any]:
    """Return the assumptions of a prediction.

    Args:
        alcohol: See `VitalAnswers.assumed`; None if the beer states it.
    """
    return [] if alcohol is None else [assumption_of_abv(alcohol)]
