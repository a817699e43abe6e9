"""The beer domain's face: beers to arrays, arrays to bitterness, interval, warnings and reasons."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from app.bundle.manifest import Manifest
from app.domains.beer.doubts import doubtful, doubts
from app.domains.beer.figures import BeerFigures
from app.domains.beer.reasons import told
from app.domains.beer.recipe import problems, resolve, vital_row
from app.domains.beer.schema import Beer, Beers, Prediction, Predictions
from app.domains.face import Operation, Warning
from app.errors import InputError, Problem
from app.inference.served import Served
from app.inference.service import InferenceService

VITALS = "beer-ibu"
"""The bundle that answers from the vital figures alone."""
RECIPE = "beer-ibu-recipe"
"""The bundle that answers where the hop bill is known."""

MANY = 16
"""Beers from which on it pays to look for doubtful ones all at once."""


@dataclass(slots=True)
class _Case:
    """A beer on its way to a model."""

    model: str
    row: tuple[float, ...]
    tinseth: float | None = None
    warnings: list[Warning] = field(default_factory=list)


class BeerFace:
    """Bitterness of beers."""

    models = (VITALS, RECIPE)

    def __init__(self, service: InferenceService) -> None:
        """Args:
        service: Runs the models.
        """
        self._service = service
        self._figures = BeerFigures(service.metrics)

    @property
    def operations(self) -> Sequence[Operation[Beer, Prediction] | Operation[Beers, Predictions]]:
        """Predict one beer, with or without reasons, or up to a thousand."""
        return (
            Operation(
                name="predict",
                path="/predict",
                summary="Predict a beer's bitterness",
                description="Bitterness in IBU with an interval and warnings, from the vital figures and, where "
                "known, the hop bill. `model` in the answer says which model answered.",
                request=Beer,
                answer=Prediction,
                answered="The bitterness",
                run=self.predict,
                slow=lambda beer: beer.explain,
            ),
            Operation(
                name="explain",
                path="/explain",
                summary="Predict a beer's bitterness and tell why",
                description="As `/predict` with `explain`: what each group of inputs adds to the bitterness.",
                request=Beer,
                answer=Prediction,
                answered="The bitterness with its reasons",
                run=self.explain,
                slow=lambda beer: True,
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

    def predict(self, beer: Beer, version: str | None = None) -> Prediction:
        """The bitterness of one beer, with reasons where it asks for them.

        Raises:
            InputError: The beer contradicts itself.
            ModelNotFound: The model has no such version.
            ModelNotReady: The model is not loaded yet.
        """
        if beer.explain:
            return self.explain(beer, version)
        if found := problems(beer, ""):
            raise InputError(found)
        case = _case(beer)
        return self._answers(self._service.served(case.model, version), [case])[0]

    def explain(self, beer: Beer, version: str | None = None) -> Prediction:
        """The bitterness of one beer with its reasons; takes milliseconds.

        Raises:
            InputError: The beer contradicts itself.
            ModelNotFound: The model has no such version.
            ModelNotReady: The model is not loaded yet.
        """
        if found := problems(beer, ""):
            raise InputError(found)
        case = _case(beer)
        served = self._service.served(case.model, version)
        answer = self._answers(served, [case])[0]
        reasons = served.explain(np.array(case.row, dtype=np.float32))
        answer["explanation"] = told(served.manifest, reasons, answer["ibu"])
        return answer

    def predict_batch(self, batch: Beers, version: str | None = None) -> Predictions:
        """The bitterness of many beers, each to the digit as if it were alone.

        Raises:
            InputError: A beer contradicts itself or asks for reasons; the field carries its index.
            ModelNotFound: The model has no such version.
            ModelNotReady: The model is not loaded yet.
        """
        found: list[Problem] = []
        cases = []
        for number, beer in enumerate(batch.beers):
            case = _case(beer)
            cases.append(case)
            if beer.explain:
                found.append(Problem(f"beers.{number}.explain", "not_in_batch", "reasons are told for single beers"))
            if beer.hops or case.row[2] > case.row[1]:
                found += problems(beer, f"beers.{number}.")
        if found:
            raise InputError(found)
        answers = {
            model: iter(self._answers(self._service.served(model, version), chosen))
            for model in self.models
            if (chosen := [case for case in cases if case.model == model])
        }
        return {"predictions": [next(answers[case.model]) for case in cases]}

    def _answers(self, served: Served, cases: Sequence[_Case]) -> list[Prediction]:
        rows = np.array([case.row for case in cases])
        manifest = served.manifest
        outputs = served.infer({"features": rows.astype(np.float32)})
        ibu, lower, upper = (outputs[name].ravel().tolist() for name in ("ibu", "lower", "upper"))
        looked_at = doubtful(manifest, rows) if len(cases) >= MANY else [True] * len(cases)
        answers = [_prediction(manifest, *each) for each in zip(cases, ibu, lower, upper, looked_at, strict=True)]
        self._figures.answered(manifest, ibu, lower, upper, answers)
        return answers


FACE = BeerFace
"""What `app.domains.discovery` finds."""


def _case(beer: Beer) -> _Case:
    if beer.hops is None:
        return _Case(VITALS, vital_row(beer))
    resolved = resolve(beer, beer.hops)
    return _Case(RECIPE, vital_row(beer) + resolved.columns, resolved.tinseth, resolved.warnings)


def _prediction(
    manifest: Manifest, case: _Case, ibu: float, lower: float, upper: float, looked_at: bool
) -> Prediction:
    answer: Prediction = {
        "ibu": round(ibu, 1),
        "interval": {"lower": round(lower, 1), "upper": round(upper, 1), "coverage": manifest.coverage or 0.0},
        "model": {"name": manifest.name, "version": manifest.version},
        "warnings": case.warnings + doubts(manifest, case.row) if looked_at else case.warnings,
    }
    if case.tinseth is not None:
        answer["estimates"] = {"tinseth": round(case.tinseth, 1)}
    return answer
