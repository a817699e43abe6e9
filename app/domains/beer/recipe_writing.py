"""Recipes as BeerJSON: a beer as `POST /predict` takes it, with its prediction."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from typing_extensions import TypedDict

from app.domains.beer.answers import Prediction
from app.domains.beer.contradictions import contradictions_of_beer
from app.domains.beer.recipe import resolve
from app.domains.beer.recipe_files.reading import MAX_NAME_LENGTH
from app.domains.beer.reference import cost
from app.domains.beer.schema import EXAMPLE_RECIPE, Beer
from app.errors import InputError, Problem

BYTES_PER_DOCUMENT = 500_000
"""Memory of a document and of the prediction in it, beside the reference beers."""
EXAMPLE_NAMED: dict[str, JsonValue] = {"name": "American IPA", "beer": EXAMPLE_RECIPE}


class NamedBeer(BaseModel):
    """A beer and the name of its recipe."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    name: str = Field(default="", max_length=MAX_NAME_LENGTH, description="Name of the recipe.")
    beer: Beer


class BeerJsonNote(TypedDict):
    """What BeerJSON has no place for, or requires and the beer does not state, and what was written for it.

    `field` is the field of the beer, such as `hops.0.stage`.
    """

    field: str
    code: str
    message: str


class BeerJsonRecipe(TypedDict):
    """A recipe as a BeerJSON document, to be saved as a file, and notes on it."""

    document: dict[str, JsonValue]
    notes: list[BeerJsonNote]


def written_recipe(request: NamedBeer, predict: Callable[[Beer], Prediction]) -> BeerJsonRecipe:
    """Write a recipe as BeerJSON with the prediction as its `ibu_estimate`.

    Args:
        request: The beer and its name.
        predict: Predicts a beer as ``POST /predict`` does.

    Raises:
        InputError: If the beer contradicts itself; the fields are those of the request.
        CallError: If the model cannot answer.
    """
    from app.domains.beer.recipe_files.beerjson_of_beer import recipe_of_beer  # takes time and memory to import
    from app.domains.beer.recipe_files.beerjson_parts import beerjson_of, ibu_estimate

    beer = request.beer.model_copy(update={"explain": False})
    try:
        prediction = predict(beer)
    except InputError as error:
        raise InputError([_in_request(problem) for problem in error.problems]) from None
    recipe, notes = recipe_of_beer(request.name, beer, resolve(beer, beer.hops or []))
    return {
        "document": beerjson_of([{**recipe, "ibu_estimate": ibu_estimate(prediction["ibu"])}]),
        "notes": [{"field": note.field, "code": note.code, "message": note.message} for note in notes],
    }


def contradictions_of_named(value: object) -> list[Problem]:
    """Find contradictions between the valid values of a beer whose request the schema rejects.

    Args:
        value: The request as parsed from JSON.
    """
    beer = value.get("beer") if isinstance(value, dict) else None
    return [_in_request(problem) for problem in contradictions_of_beer(beer)]


def cost_of_writing(request: NamedBeer) -> int:
    """Estimate the bytes that writing a recipe takes, in addition to the request."""
    return BYTES_PER_DOCUMENT + cost(request.beer.reference)


def _in_request(problem: Problem) -> Problem:
    return replace(problem, field=f"beer.{problem.field}")
