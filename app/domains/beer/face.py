"""The beer domain's face: beers to arrays, arrays to bitterness, interval and warnings."""

from collections.abc import Sequence

import numpy as np

from app.bundle.manifest import Manifest
from app.domains.beer.doubts import doubts
from app.domains.beer.figures import BeerFigures
from app.domains.beer.schema import Beer, Beers, Prediction, Predictions
from app.domains.beer.units import points
from app.domains.face import Operation
from app.errors import InputError, Problem
from app.inference.service import InferenceService

VITALS = "beer-ibu"
"""The bundle that answers from the vital figures alone."""

Row = tuple[float, float, float, float, float, float]
"""abv, target_og, target_fg (points), ebc, srm, ph; NaN is missing."""

_NAN = float("nan")


class BeerFace:
    """Bitterness of beers."""

    models = (VITALS,)

    def __init__(self, service: InferenceService) -> None:
        """Args:
        service: Runs the models.
        """
        self._service = service
        self._figures = BeerFigures(service.metrics)

    @property
    def operations(self) -> Sequence[Operation[Beer, Prediction] | Operation[Beers, Predictions]]:
        """Predict one beer, or up to a thousand."""
        return (
            Operation(
                name="predict",
                path="/predict",
                summary="Predict a beer's bitterness",
                description="Bitterness in IBU with an interval and warnings, from the beer's vital figures.",
                request=Beer,
                answer=Prediction,
                answered="The bitterness",
                run=self.predict,
            ),
            Operation(
                name="predict_batch",
                path="/predict/batch",
                summary="Predict up to 1,000 beers",
                description="All or nothing: one wrong beer refuses the batch, and the error names its index.",
                request=Beers,
                answer=Predictions,
                answered="The bitterness of each beer, in the order of the request",
                run=self.predict_batch,
                size="many",
            ),
        )

    def predict(self, beer: Beer) -> Prediction:
        """The bitterness of one beer.

        Raises:
            InputError: The final gravity is above the original one.
            ModelNotReady: The model is not loaded yet.
        """
        row = to_row(beer)
        if row[2] > row[1]:
            raise InputError([_gravities_swapped("")])
        return self._answers([row])[0]

    def predict_batch(self, batch: Beers) -> Predictions:
        """The bitterness of many beers, each to the digit as if it were alone.

        Raises:
            InputError: A beer's final gravity is above the original one; the field carries its index.
            ModelNotReady: The model is not loaded yet.
        """
        rows = [to_row(beer) for beer in batch.beers]
        if swapped := [i for i, row in enumerate(rows) if row[2] > row[1]]:
            raise InputError([_gravities_swapped(f"beers.{i}.") for i in swapped])
        return {"predictions": self._answers(rows)}

    def _answers(self, rows: Sequence[Row]) -> list[Prediction]:
        manifest, outputs = self._service.infer(VITALS, {"features": np.array(rows, dtype=np.float32)})
        ibu, lower, upper = (outputs[name].ravel().tolist() for name in ("ibu", "lower", "upper"))
        answers = [_prediction(manifest, *figures) for figures in zip(rows, ibu, lower, upper, strict=True)]
        self._figures.answered(manifest, ibu, lower, upper, answers)
        return answers


def to_row(beer: Beer) -> Row:
    """A beer as the model's inputs, in the manifest's order; gravities in points, NaN where a value is missing."""
    ebc, srm, ph = beer.ebc, beer.srm, beer.ph
    return (
        beer.abv,
        points(beer.target_og),
        points(beer.target_fg),
        _NAN if ebc is None else ebc,
        _NAN if srm is None else srm,
        _NAN if ph is None else ph,
    )


def _prediction(manifest: Manifest, row: Row, ibu: float, lower: float, upper: float) -> Prediction:
    return {
        "ibu": round(ibu, 1),
        "interval": {"lower": round(lower, 1), "upper": round(upper, 1), "coverage": manifest.coverage or 0.0},
        "model": {"name": manifest.name, "version": manifest.version},
        "warnings": doubts(manifest, row),
    }


def _gravities_swapped(prefix: str) -> Problem:
    return Problem(
        f"{prefix}target_fg", "gravities_swapped", "the final gravity is above the original gravity (target_og)"
    )
