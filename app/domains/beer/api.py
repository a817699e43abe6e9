"""The domain API of beer: bitterness with interval, warnings and explanation."""

from collections.abc import Container, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from app.bundle.manifest import Manifest
from app.domains.api import DomainApi, Listing, Operation, Warning
from app.domains.beer.addition_estimates import addition_estimates, all_estimates
from app.domains.beer.answers import Prediction, Predictions
from app.domains.beer.contradictions import problems_in_batch
from app.domains.beer.corrections import Corrections
from app.domains.beer.explanation import explanation
from app.domains.beer.file_predictions import RecipeAnswers, RecipeFile, answer_file
from app.domains.beer.inputs import check_inputs
from app.domains.beer.listings import STYLES, VARIETIES, Styles, Varieties
from app.domains.beer.operations import operations_of
from app.domains.beer.plausibility import PlausibilityChecks
from app.domains.beer.predictions import MAX_IBU, PredictionBuilder
from app.domains.beer.recipe import may_contradict, problems
from app.domains.beer.recipe_writing import BeerJsonRecipe, NamedBeer, written_recipe
from app.domains.beer.recording import record
from app.domains.beer.reference import OwnBrewery, problems_of_reference
from app.domains.beer.row_validation import BeerRowValidator, BeerSignature
from app.domains.beer.schema import Beer, Beers
from app.domains.beer.solving.schema import Question, Questions, Solution, Solutions
from app.domains.beer.solving.solve import solve, solve_each
from app.domains.beer.styles import bitterness_of
from app.domains.beer.uncertain_hops import widened
from app.domains.beer.untold import HeldOutErrors, worth_telling
from app.errors import CallError, InputError, InvalidOutput
from app.models.loaded import LoadedModel, Prepared
from app.oip.signature import ModelSignature, RowValidator
from app.telemetry.metrics import Registry

VITALS = "beer-ibu"
"""Bundle that predicts from the vital figures alone."""
RECIPE = "beer-ibu-recipe"
"""Bundle that predicts where the hop bill is known."""
STYLE = "beer-ibu-style"
"""Bundle that predicts where the style's bitterness is known, and the hop bill is not."""


class BeerApi(DomainApi):
    """Bitterness of beers."""

    models = (VITALS, RECIPE, STYLE)
    optional = (STYLE,)  # folders of earlier versions of this program do not have it

    @classmethod
    def prepare(cls, manifest: Manifest, metrics: Registry) -> Prepared:
        """Build a version's prediction builder and row validator; see `DomainApi.prepare`.

        Raises:
            ValueError: If this program cannot make the version's inputs.
        """
        check_inputs(declared.name for declared in manifest.inputs)
        corrections, plausibility = Corrections(manifest), PlausibilityChecks(manifest)
        return {
            PredictionBuilder: PredictionBuilder(manifest, corrections, plausibility, metrics),
            ModelSignature: BeerSignature(manifest),
            RowValidator: BeerRowValidator(manifest, corrections, plausibility),
        }

    @property
    def operations(self) -> Sequence[Operation[Any, Any]]:
        """Predict one beer, up to a thousand, or those of a recipe file; find the weights of hops for a bitterness."""
        return operations_of(self)

    @property
    def listings(self) -> Sequence[Listing[Varieties] | Listing[Styles]]:
        """The hop varieties and the styles that the program knows."""
        return VARIETIES, STYLES

    def predict(self, beer: Beer, version: str | None = None) -> Prediction:
        """Predict one beer, with an explanation if the beer requests it.

        Raises:
            InputError: If the beer contradicts itself, or asks for an interval that the version does not have.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        if beer.explain:
            return self.explain(beer, version)
        if contradictions := [*problems(beer, ""), *problems_of_reference(beer.reference)]:
            raise InputError(contradictions)
        predictions, warnings = self._predict(self._model(beer), [beer], version, beer)
        predictions[0]["warnings"] += warnings
        return predictions[0]

    def predict_each(self, beers: Sequence[Beer], version: str | None = None) -> list[Prediction | CallError]:
        """Predict several beers independently; each result equals that of a request of its own.

        Args:
            beers: Beers that request no explanation and come without reference beers.
            version: Version of the models; None is the active one of each.

        Returns:
            Prediction or error of each beer; see `predict`.
        """
        results: dict[int, Prediction | CallError] = {
            index: InputError(contradictions)
            for index, beer in enumerate(beers)
            if may_contradict(beer) and (contradictions := problems(beer, ""))
        }
        for model, indexes in self._by_model(beers, skipped=results).items():
            try:
                chosen = [beers[index] for index in indexes]
                results.update(zip(indexes, self._predict(model, chosen, version, indexes=indexes)[0], strict=True))
            except (InvalidOutput, InputError):  # of one beer, which must not affect the others
                results.update(
                    (index, self._predict_or_error(model, beers[index], index, version)) for index in indexes
                )
            except CallError as error:
                results.update(dict.fromkeys(indexes, error))
        return [results[index] for index in range(len(beers))]

    def explain(self, beer: Beer, version: str | None = None) -> Prediction:
        """Predict one beer with an explanation; takes milliseconds.

        Raises:
            InputError: If the beer contradicts itself.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        if contradictions := [*problems(beer, ""), *problems_of_reference(beer.reference)]:
            raise InputError(contradictions)
        loaded = self._manager.get(self._model(beer), version)
        builder = loaded.prepared(PredictionBuilder)
        rows, bills = builder.rows([beer])
        features = builder.features(rows)
        if unknown := builder.intervals.problems(beer.coverage or ()):
            raise InputError(unknown)
        given = loaded.infer({"features": features})
        outputs = widened(given, loaded, [beer], bills)
        brewery = OwnBrewery(loaded, beer.reference) if beer.reference else None
        prediction = builder.predictions([beer], rows, brewery.shift.moved(outputs) if brewery else outputs, bills)[0]
        reasons = loaded.explain(features[0])
        if not all(abs(value) < MAX_IBU for value in (reasons.base_value, *(v for _, v in reasons.contributions))):
            raise loaded.invalid_output("ibu of the explanation")
        if brewery is None:
            explained = explanation(loaded.manifest, reasons, prediction["ibu"], beer)
        else:
            brewery.note([prediction], outputs)
            prediction["warnings"] += brewery.warnings
            of_model = round(prediction["ibu"] - prediction["reference"]["ibu"], 1)
            explained = brewery.explained(explanation(loaded.manifest, reasons, of_model, beer), prediction)
        for bill in bills:
            shift = brewery.shift if brewery else None
            explained["additions"] = addition_estimates(loaded, beer, bill, prediction["ibu"], shift)
            prediction["estimates"] = all_estimates(beer, bill)
        if parts := worth_telling(beer, builder.held_out_errors, self._errors_with_bill(beer)):
            explained["untold"] = parts
        prediction["explanation"] = explained
        if loaded.recorder is not None:
            record(loaded, features, given, [(beer, prediction)])
        return prediction

    def predict_batch(self, batch: Beers, version: str | None = None) -> Predictions:
        """Predict a batch; each result equals that of a request of its own.

        Raises:
            InputError: If a beer contradicts itself or requests an explanation, where the field contains its index; or
                if a version does not have an interval that the batch asks for.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        contradictions = [
            problem
            for index, beer in enumerate(batch.beers)
            if not _OF_A_BATCH.isdisjoint(beer.__pydantic_fields_set__) or may_contradict(beer)
            for problem in problems_in_batch(beer, index)
        ]
        contradictions += problems_of_reference(batch.reference)
        if contradictions:
            raise InputError(contradictions)
        beers = batch.beers
        if all(beer.hops is None and beer.style is None for beer in beers):  # one model predicts the whole batch
            predictions, warnings = self._predict(VITALS, beers, version, batch)
            return _predictions(predictions, warnings)
        results: dict[int, Prediction] = {}
        about_reference: dict[str, Warning] = {}
        for model, indexes in self._by_model(beers).items():
            chosen = [beers[index] for index in indexes]
            predictions, warnings = self._predict(model, chosen, version, batch, indexes)
            results.update(zip(indexes, predictions, strict=True))
            about_reference |= {repr(warning): warning for warning in warnings}  # of both models, once
        predictions = [results[index] for index in range(len(beers))]
        return _predictions(predictions, list(about_reference.values()))

    def predict_file(self, file: RecipeFile, version: str | None = None) -> RecipeAnswers:
        """Predict the beers of a recipe file; takes milliseconds, or seconds with explanations.

        Raises:
            InputError: If the file as a whole cannot be read.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        return answer_file(self, file, version)

    def write_recipe(self, named: NamedBeer, version: str | None = None) -> BeerJsonRecipe:
        """Write a recipe as BeerJSON, with its prediction; takes milliseconds.

        Raises:
            InputError: If the beer contradicts itself.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        return written_recipe(named, partial(self.predict, version=version))

    def solve(self, question: Question, version: str | None = None) -> Solution:
        """Find the weights of hops with which a beer has the bitterness that is asked for; takes milliseconds.

        Raises:
            InputError: If the question cannot be asked of this beer, or the target is out of reach.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        return solve(question, self._manager.get(RECIPE, version), partial(self.predict, version=version))

    def solve_batch(self, batch: Questions, version: str | None = None) -> Solutions:
        """Answer a batch of questions; one that has no answer hides no other.

        Raises:
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        return solve_each(batch, partial(self.solve, version=version))

    def graph_answer(self, beer: Beer) -> tuple[LoadedModel, dict[str, float], dict[str, float]]:
        """What the graph answers to a beer, neither rounded nor widened nor counted.

        Args:
            beer: A beer that does not contradict itself.

        Returns:
            The version that answered; its inputs and its outputs by name.

        Raises:
            ModelNotReady: If the model is not loaded, or its output is not valid.
        """
        loaded = self._manager.get(self._model(beer))
        builder = loaded.prepared(PredictionBuilder)
        features = builder.features(builder.rows([beer])[0])
        outputs = loaded.what_if({"features": features})
        inputs = zip((column.name for column in loaded.manifest.inputs), features[0].tolist(), strict=True)
        return loaded, dict(inputs), {name: figures.item() for name, figures in outputs.items()}

    def _model(self, beer: Beer) -> str:
        """Name of the model that predicts a beer."""
        if beer.hops is not None:
            return RECIPE
        return STYLE if beer.style is not None and STYLE in self.models and bitterness_of(beer.style) else VITALS

    def _errors_with_bill(self, beer: Beer) -> HeldOutErrors | None:
        """Errors of the model that would answer a beer with its hop bill; None if it has one, or no model is ready."""
        if beer.hops is not None:
            return None
        try:
            return self._manager.get(RECIPE).prepared(PredictionBuilder).held_out_errors
        except CallError:
            return None

    def _by_model(self, beers: Sequence[Beer], skipped: Container[int] = ()) -> dict[str, list[int]]:
        """Indexes of the beers that each model predicts."""
        indexes: dict[str, list[int]] = {}
        for index, beer in enumerate(beers):
            if index not in skipped:
                indexes.setdefault(self._model(beer), []).append(index)
        return indexes

    def _predict_or_error(self, model: str, beer: Beer, index: int, version: str | None) -> Prediction | CallError:
        try:
            return self._predict(model, [beer], version, indexes=[index])[0][0]
        except CallError as error:
            return error

    def _predict(
        self,
        model: str,
        beers: Sequence[Beer],
        version: str | None = None,
        asked: Beer | Beers | None = None,
        indexes: Sequence[int] = (),
    ) -> tuple[list[Prediction], list[Warning]]:
        """Predict beers of one model; return the predictions, and the warnings about the reference beers.

        `asked` has the reference beers, coverages and quantiles of all beers; without it each beer has its own
        coverages and quantiles, and there are no reference beers. `indexes` are those of the beers in their request, or
        of their requests among those that are answered together.
        """
        reference, coverage, quantiles = (
            (asked.reference, asked.coverage, asked.quantiles) if asked is not None else _NOTHING
        )
        loaded = self._manager.get(model, version)
        builder = loaded.prepared(PredictionBuilder)
        for levels in [coverage] if coverage else filter(None, map(_coverage, beers)):
            if unknown := builder.intervals.problems(levels):
                raise InputError(unknown)
        rows, bills = builder.rows(beers)
        features = builder.features(rows)
        outputs = given = loaded.infer({"features": features}, requests=beers)
        if bills:
            outputs = widened(given, loaded, beers, bills)
        brewery = OwnBrewery(loaded, reference) if reference else None
        moved = brewery.shift.moved(outputs) if brewery else outputs
        predictions = builder.predictions(beers, rows, moved, bills, coverage, quantiles)
        if brewery:
            brewery.note(predictions, outputs)
        about_all = brewery.warnings if brewery else []
        if loaded.recorder is not None:
            record(loaded, features, given, list(zip(beers, predictions, strict=True)), indexes, about_all)
        return predictions, about_all


DOMAIN = BeerApi
"""Class that `app.domains.discovery` finds."""

_coverage = attrgetter("coverage")
_NOTHING = None, None, None
_OF_A_BATCH = frozenset({"explain", "reference", "coverage", "quantiles"})
"""Fields of a beer that a batch states once, or that it does not have."""


def _predictions(predictions: list[Prediction], warnings: list[Warning]) -> Predictions:
    return {"predictions": predictions, "warnings": warnings} if warnings else {"predictions": predictions}
