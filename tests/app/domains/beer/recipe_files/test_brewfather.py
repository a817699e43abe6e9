"""Recipes that Brewfather exports as JSON become beers."""

import json
from typing import Any

import pytest

from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_files.reading import ReadRecipe
from app.domains.beer.schema import Beer
from tests.known import REPOSITORY

RECIPE = json.loads((REPOSITORY / "tests" / "data" / "recipe_files" / "brewfather.json").read_text("utf-8"))


def _read(**changed: Any) -> ReadRecipe:
    (read,) = read_recipes(json.dumps(RECIPE | changed).encode())
    return read


def _hop(**changed: Any) -> dict[str, Any]:
    return RECIPE["hops"][0] | changed


def test_a_recipe_becomes_a_beer() -> None:
    read = _read()
    assert (read.name, read.stated_ibu, read.error) == ("Hazy", 35, None)
    assert [(note.path, note.code) for note in read.notes] == [("/hops/1/use", "whirlpool")]
    assert read.beer
    Beer.model_validate(read.beer)
    assert {key: value for key, value in read.beer.items() if key not in ("hops", "malts")} == {
        **{"target_og": 1062.0, "target_fg": 1015.0, "abv": 6.2, "srm": 4.5, "batch_volume_l": 20.0},
        **{"boil_volume_l": 25.0, "yeast": "Wyeast 1318 London Ale III", "style": "Hazy IPA"},
    }
    assert read.beer["hops"] == [
        {"name": "Magnum", "amount_g": 10.0, "alpha_acid": 12.0, "boil_minutes": 60.0, "form": "pellet"},
        {"name": "Citra", "amount_g": 60.0, "alpha_acid": 13.0, "form": "pellet", "stage": "whirlpool",
         "stand_minutes": 20.0, "temperature_c": 80.0},
        {"name": "Mosaic", "amount_g": 5.0, "alpha_acid": 12.0, "stage": "first_wort", "form": "cone"},
        {"name": "Citra", "amount_g": 100.0, "alpha_acid": 13.0, "stage": "dry_hop", "form": "pellet"},
    ]  # fmt: skip


def test_a_batch_and_a_list_are_read_too() -> None:
    assert read_recipes(json.dumps({"batchNo": 7, "recipe": RECIPE}).encode())[0].notes[0].path == "/recipe/hops/1/use"
    first, second = read_recipes(json.dumps([RECIPE, RECIPE | {"batchSize": None}]).encode())
    assert first.beer == _read().beer
    assert second.error and second.error.path == "/1/batchSize"


def test_what_is_missing_follows_from_malts_and_yeast() -> None:
    read = _read(og=None, fg=0, color=None, hops=[_hop(time=None), _hop(use="Moonlight"), _hop(alpha="?")])
    assert [(note.path, note.code) for note in read.notes] == [
        ("/hops/0/time", "time_assumed"),
        ("/hops/1/use", "use_assumed"),
        ("/hops/2/alpha", "not_a_number"),
        ("/og", "og_from_grain"),
        ("/fg", "fg_from_attenuation"),
        ("/color", "colour_by_morey"),
        ("/hops/2/alpha", "alpha_typical"),
    ]
    assert read.beer and read.beer["target_og"] == pytest.approx(1000 + 383.9 / 20 * (0.72 * 4.594 + 0.2), abs=0.2)


@pytest.mark.parametrize(
    ("changed", "path", "code"),
    [
        ({"hops": [_hop(amount=None)]}, "/hops/0/amount", "missing"),
        ({"hops": [3]}, "/hops/0", "not_an_object"),
        ({"hops": [_hop()] * 51}, "/hops", "too_many"),
        ({"og": 1.01, "fg": 1.05}, "/fg", "gravities_swapped"),
    ],
)
def test_a_recipe_of_which_no_beer_can_be_made_names_the_element(changed: Any, path: str, code: str) -> None:
    error = _read(**changed).error
    assert error and (error.path, error.code) == (path, code)
