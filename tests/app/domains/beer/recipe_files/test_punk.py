"""Documents of the Punk API become beers that the service accepts; what is mended or assumed is noted."""

import json
from typing import Any

import pytest

from app.domains.beer.api import BeerApi
from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_files.reading import ReadRecipe, RecipeFileError
from app.domains.beer.schema import Beer
from tests.known import REPOSITORY

SHARED = REPOSITORY.parent / "shared" / "data" / "punk_beers.json"


def _grams(value: Any, unit: str = "grams") -> dict[str, Any]:
    return {"value": value, "unit": unit}


def _recipe(**changed: Any) -> dict[str, Any]:
    ingredients = {
        "malt": [{"name": "Pale", "amount": _grams(4, "kilograms")}],
        "hops": [{"name": "Simcoe", "amount": _grams(25), "add": "start", "attribute": "bitter"}],
        "yeast": "US-05",
    }
    return {"name": "Ale", "ibu": 40, "target_og": 1050, "target_fg": 1010, "volume": _grams(20, "litres"),
            "ingredients": ingredients} | changed  # fmt: skip


def _read(*recipes: Any) -> list[ReadRecipe]:
    return read_recipes(json.dumps(recipes).encode())


def _notes(read: ReadRecipe) -> dict[str, str]:
    return {note.path: note.code for note in read.notes}


def test_a_recipe_becomes_a_beer_with_a_note_for_each_alpha_acid_of_the_table() -> None:
    (read,) = _read(_recipe())
    assert (read.name, read.error, read.stated_ibu) == ("Ale", None, 40)
    assert _notes(read) == {"/0/ingredients/hops/0/attribute": "alpha_typical"}
    assert read.beer == {
        **{"target_og": 1050.0, "target_fg": 1010.0, "batch_volume_l": 20.0, "yeast": "US-05"},
        "hops": [{"name": "Simcoe", "amount_g": 25.0, "stage": "start"}],
        "malts": [{"name": "Pale", "amount_kg": 4.0}],
    }


def test_what_is_mended_or_left_out_is_noted() -> None:
    hops = [
        {"name": "Simcoe", "amount": _grams(None), "add": "start"},
        {"name": "Citra", "amount": _grams(5), "add": "when the geese fly"},
        {"name": "Moonshine", "amount": _grams(5), "add": "End"},
    ]
    malts = [{"name": "Pale", "amount": _grams(400, "kilograms")}, {"name": "Oats", "amount": _grams("?")}]
    bill = {"hops": hops, "malt": malts}
    (read,) = _read(_recipe(target_og=1010, target_fg=1050, ph=79, abv="?", volume=_grams(5, "pt"), ingredients=bill))
    assert _notes(read) == {
        "/0/abv": "not_a_number",
        "/0/target_og": "gravities_exchanged",
        "/0/volume": "volume_assumed",
        "/0/ingredients/malt/0/amount": "malt_decimal_point",
        "/0/ingredients/malt/1/amount": "weight_unreadable",
        "/0/ingredients/hops/0": "left_out",
        "/0/ingredients/hops/1/add": "time_unknown",
        "/0/ingredients/hops/1/attribute": "alpha_typical",
        "/0/ingredients/hops/2/attribute": "alpha_assumed",
        "/0/ph": "left_out",
    }
    assert read.beer is not None and "ph" not in read.beer
    assert Beer.model_validate(read.beer).target_og == 1050


def test_a_recipe_without_a_gravity_is_an_error_that_hides_no_other() -> None:
    bad, good, odd = _read(_recipe(target_fg=None), _recipe(), 3)
    assert bad.error and (bad.error.path, bad.error.code, bad.beer) == ("/0/target_fg", "missing", None)
    assert good.beer and not good.error
    assert odd.error and (odd.error.path, odd.error.code) == ("/2", "not_an_object")


@pytest.mark.parametrize(
    ("hop", "path"),
    [
        ({"name": "Citra", "amount": _grams(1e9), "add": "end"}, "/0/ingredients/hops/0/amount"),
        ({"name": "C" * 81, "amount": _grams(1), "add": "end"}, "/0/ingredients/hops/0/name"),
    ],
)
def test_an_addition_that_no_beer_has_is_an_error(hop: dict[str, Any], path: str) -> None:
    (read,) = _read(_recipe(ingredients={"hops": [hop]}))
    assert read.error and read.error.path == path


def test_a_bill_that_is_too_long_is_an_error_before_it_is_read() -> None:
    (read,) = _read(_recipe(ingredients={"hops": [{"name": "Citra", "amount": _grams(1), "add": "end"}] * 51}))
    assert read.error and (read.error.path, read.error.code) == ("/0/ingredients/hops", "too_many")


def test_a_document_may_be_a_single_recipe() -> None:
    (read,) = read_recipes(b"\xef\xbb\xbf" + json.dumps(_recipe(target_og=None)).encode())
    assert read.error and read.error.path == "/target_og"


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        (b"", "empty"),
        (b"\x00\x01", "unknown_format"),
        (b"name: Ale", "unknown_format"),
        (b'{"name": "Ale"}', "unknown_format"),
        (b'{"ingredients": ', "json_invalid"),
        (b'{"target_og": NaN}', "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
        (b'[{"name": "\xff"}]', "json_invalid"),
        (b"[]", "no_recipes"),
        (b"[" + b"{}," * 100 + b"{}]", "too_many_recipes"),
        (b"[" + b"[]," * 100_000 + b"[]]", "too_many_elements"),
    ],
)
def test_a_file_that_holds_no_recipes_is_an_error(contents: bytes, code: str) -> None:
    with pytest.raises(RecipeFileError) as raised:
        read_recipes(contents)
    assert (raised.value.code, raised.value.problems[0].code) == (code, code)


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_every_real_recipe_is_answered_or_names_what_it_lacks(domain: BeerApi) -> None:
    read = read_recipes(SHARED.read_bytes(), limit=1000)
    assert {recipe.error.path.split("/")[2] for recipe in read if recipe.error} <= {"target_og", "target_fg"}
    beers = [Beer.model_validate(recipe.beer) for recipe in read if recipe.beer]
    assert len(beers) >= 265 and not any(isinstance(answer, Exception) for answer in domain.predict_each(beers))
