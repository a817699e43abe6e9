"""The beer domain's face: beers to arrays, arrays to bitterness, interval, warnings and reasons."""

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from app.domains.api import Operation
from app.domains.beer.answers import Answers
from app.domains.beer.reasons import told
from app.domains.beer.recipe import Resolved, may_contradict, problems, resolve, vital_rows
from app.domains.beer.row_validation import RowCheck
from app.domains.beer.schema import Beer, Beers, Prediction, Predictions
from app.errors import CallError, InputError, Problem
from app.models.loaded import LoadedModel
from app.models.manager import ModelManager

VITALS = "beer-ibu"
"""The bundle that answers from the vital figures alone."""
RECIPE = "beer-ibu-recipe"
"""The bundle that answers where the hop bill is known."""

Rows = NDArray[np.float64]


class BeerApi:
    """Bitterness of beers."""

    models = (VITALS, RECIPE)
    checks = dict.fromkeys(models, RowCheck)

    def __init__(self, manager: ModelManager) -> None:
        """Initialize the beer api.

        Args:
            manager: Runs the models.
        """
        self._manager = manager
        self._answers: dict[tuple[str, str], Answers] = {}

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
                run_many=self.predict_each,
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
        return self._answer(_model(beer), [beer], version)[0]

    def predict_each(self, beers: Sequence[Beer]) -> list[Prediction | CallError]:
        """The bitterness of several beers, each to the digit as if it were alone.

        Args:
            beers: Beers of which none asks for reasons.

        Returns:
            Answer or error of each; see `predict`.
        """
        answers: dict[int, Prediction | CallError] = {
            number: InputError(found)
            for number, beer in enumerate(beers)
            if may_contradict(beer) and (found := problems(beer, ""))
        }
        for model, numbers in _by_model(beers, besides=answers).items():
            try:
                answers.update(zip(numbers, self._answer(model, [beers[number] for number in numbers]), strict=True))
            except CallError as error:
                answers.update(dict.fromkeys(numbers, error))
        return [answers[number] for number in range(len(beers))]

    def explain(self, beer: Beer, version: str | None = None) -> Prediction:
        """The bitterness of one beer with its reasons; takes milliseconds.

        Raises:
            InputError: The beer contradicts itself.
            ModelNotFound: The model has no such version.
            ModelNotReady: The model is not loaded yet.
        """
        if found := problems(beer, ""):
            raise InputError(found)
        served = self._manager.served(_model(beer), version)
        rows, bills = _inputs([beer])
        answer = self._run(served, rows, bills)[0]
        reasons = served.explain(rows[0].astype(np.float32))
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
        for number, beer in enumerate(batch.beers):
            if beer.explain:
                found.append(Problem(f"beers.{number}.explain", "not_in_batch", "reasons are told for single beers"))
            if may_contradict(beer):
                found += problems(beer, f"beers.{number}.")
        if found:
            raise InputError(found)
        beers = batch.beers
        if all(beer.hops is None for beer in beers):  # one model answers them all: nothing to put in order
            return {"predictions": self._answer(VITALS, beers, version)}
        answers: dict[int, Prediction] = {}
        for model, numbers in _by_model(beers).items():
            chosen = [beers[number] for number in numbers]
            answers.update(zip(numbers, self._answer(model, chosen, version), strict=True))
        return {"predictions": [answers[number] for number in range(len(beers))]}

    def _answer(self, model: str, beers: Sequence[Beer], version: str | None = None) -> list[Prediction]:
        return self._run(self._manager.served(model, version), *_inputs(beers))

    def _run(self, served: LoadedModel, rows: Rows, bills: Sequence[Resolved]) -> list[Prediction]:
        outputs = served.infer({"features": rows.astype(np.float32)})
        manifest = served.manifest
        answers = self._answers.get((manifest.name, manifest.version))
        if answers is None or answers.manifest is not manifest:  # a version may have been made anew
            answers = Answers(manifest, self._manager.metrics)
            self._answers[manifest.name, manifest.version] = answers
        return answers.make(rows, outputs, bills)


DOMAIN = BeerApi
"""What `app.domains.discovery` finds."""


def _model(beer: Beer) -> str:
    return VITALS if beer.hops is None else RECIPE


def _by_model(beers: Sequence[Beer], besides: Container[int] = ()) -> dict[str, list[int]]:
    """The numbers of the beers that each model answers."""
    numbers: dict[str, list[int]] = {}
    for number, beer in enumerate(beers):
        if number not in besides:
            numbers.setdefault(_model(beer), []).append(number)
    return numbers


def _inputs(beers: Sequence[Beer]) -> tuple[Rows, list[Resolved]]:
    """A model's inputs, shape (n_beers, n_inputs), and the hop bills, resolved; all of the beers have one, or none."""
    rows = vital_rows(beers)
    bills = [resolve(beer, beer.hops) for beer in beers if beer.hops is not None]
    if bills:
        rows = np.concatenate([rows, [bill.columns for bill in bills]], axis=1)
    return rows, bills
