"""Predictions for recipes that were read from files: each by itself, whatever the others are."""

import traceback
from collections.abc import Sequence

import pytest

from app.domains.beer.answers import Prediction
from app.domains.beer.api import BeerApi
from app.domains.beer.file_predictions import RecipeFile, answer_file, answer_recipes, cost
from app.domains.beer.recipe_files.reading import Note, ReadRecipe
from app.domains.beer.schema import Beer
from app.errors import CallError, InputError, InvalidOutput, ModelNotFound, ModelNotReady
from app.models.manager import ModelManager
from tests.known import BEER

NOTE = Note("/RECIPES/RECIPE[1]/OG", "og_from_grain", "Is computed.")
GOOD = ReadRecipe("Pale", {**BEER}, (NOTE,), None)
UNREADABLE = ReadRecipe(None, None, (), Note("/RECIPES/RECIPE[2]/FG", "missing", "Is not stated."))
SWAPPED = ReadRecipe("Swapped", {**BEER, "target_og": 1010.0, "target_fg": 1056.0}, (), None)
TOO_STRONG = ReadRecipe("Strong", {**BEER, "abv": 99.0, "hops": [{"name": "Citra"}]}, (), None)


class OneBad:
    """Has no valid answer for a beer without colour."""

    def __init__(self, domain: BeerApi) -> None:
        self._domain = domain

    def predict(self, beer: Beer, version: str | None = None) -> Prediction:
        if beer.ebc is None:
            raise InvalidOutput
        return self._domain.predict(beer, version)

    def predict_each(self, beers: Sequence[Beer]) -> list[Prediction | CallError]:
        answers: list[Prediction | CallError] = [*self._domain.predict_each(beers)]
        return [InvalidOutput() if beer.ebc is None else answer for beer, answer in zip(beers, answers, strict=True)]


def test_recipes_keep_their_order_names_notes_and_errors(domain: BeerApi) -> None:
    answers = answer_recipes(domain, [UNREADABLE, GOOD, SWAPPED, TOO_STRONG, GOOD])
    unreadable, good, swapped, strong, again = answers
    assert unreadable == {
        "notes": [],
        "errors": [{"path": "/RECIPES/RECIPE[2]/FG", "code": "missing", "reason": "Is not stated."}],
    }
    assert good["prediction"] == domain.predict(Beer.model_validate(BEER)) and again == good
    assert good["notes"] == [{"path": NOTE.path, "code": NOTE.code, "message": NOTE.text}]
    assert [each["code"] for each in swapped["errors"]] == ["gravities_swapped"] and "prediction" not in swapped
    assert {each["path"] for each in strong["errors"]} == {"beer.abv", "beer.hops.0.amount_g"}
    assert strong["beer"]["abv"] == 99.0


@pytest.mark.parametrize("explain", [False, True])
def test_a_beer_without_a_valid_answer_has_an_error_of_its_own(domain: BeerApi, explain: bool) -> None:
    colourless = ReadRecipe("Clear", {**{key: BEER[key] for key in BEER if key != "ebc"}}, (), None)
    bad, good = answer_recipes(OneBad(domain), [colourless, GOOD], explain)
    assert bad["errors"][0]["code"] == "not_ready" and "prediction" in good


def test_the_error_of_a_file_does_not_keep_its_document_in_memory(domain: BeerApi) -> None:
    with pytest.raises(InputError) as caught:
        answer_file(domain, RecipeFile.uploaded(b"[" + b"[]," * 100 + b"[]]", "file"))
    _, *frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]  # without that of the test
    assert not any(isinstance(value, list) for frame in frames for value in frame.f_locals.values())


def test_a_model_that_cannot_answer_is_an_error_of_the_whole_file(domain: BeerApi) -> None:
    with pytest.raises(ModelNotReady):
        answer_recipes(BeerApi(ModelManager(BeerApi.models)), [GOOD])
    with pytest.raises(ModelNotFound):
        answer_recipes(domain, [GOOD], version="99")


def test_a_larger_file_costs_more_memory() -> None:
    small, large = (RecipeFile.uploaded(b"x" * size, "file") for size in (10, 1_000_000))
    assert 10_000_000 < cost(small) < cost(large) < 200_000_000
