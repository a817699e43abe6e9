"""What leaves as BeerJSON validates against beerjson's schema, and is the same beer when it is read again."""

import json

import pytest

from app.domains.beer.recipe_files.files import as_beerjson, read_recipes
from app.domains.beer.recipe_files.reading import RecipeFileError
from tests.beerjson_schema import SAMPLES, WITH_RECIPES, errors
from tests.known import REPOSITORY

PREDICTED = {"ibu": 42.5, "interval": {"lower": 30.0, "upper": 55.0, "coverage": 0.9}}
ESTIMATE = {"method": "Other", "value": {"unit": "IBUs", "value": 42.5}}

FULL = (REPOSITORY / "tests" / "data" / "recipe_files" / "ale.xml").read_bytes()


def test_a_full_recipe_of_beerxml_leaves_as_valid_beerjson() -> None:
    written = as_beerjson(FULL, [PREDICTED])
    assert errors(written) == []
    (recipe,) = json.loads(written)["beerjson"]["recipes"]
    assert recipe["ibu_estimate"] == ESTIMATE
    assert [recipe[key] for key in ("name", "author", "coauthor", "notes")] == ["Ale", "Me", "You", "Wort & hops"]
    assert recipe["style"]["category_number"] == 21 and recipe["mash"]["mash_steps"][0]["amount"]["value"] == 15
    assert recipe["color_estimate"] == {"unit": "EBC", "value": 12.0}
    additions = recipe["ingredients"]["hop_additions"]
    assert additions[0]["amount"] == {"unit": "kg", "value": 0.02} and additions[0]["form"] == "pellet"
    assert additions[1]["alpha_acid"]["value"] == 3.3  # of the table
    assert additions[4]["timing"] == {"use": "add_to_fermentation", "duration": {"unit": "day", "value": 5}}


def test_what_was_written_is_read_as_the_same_beer() -> None:
    (before,), (after,) = read_recipes(FULL), read_recipes(as_beerjson(FULL, [None]))
    assert before.beer and after.beer
    before.beer["hops"][1]["alpha_acid"] = 3.3  # type: ignore[index]
    assert after.beer == before.beer
    assert (after.name, after.stated_ibu) == ("Ale", 34.2)


def test_without_a_prediction_the_stated_bitterness_stays() -> None:
    (recipe,) = json.loads(as_beerjson(FULL, [None]))["beerjson"]["recipes"]
    assert recipe["ibu_estimate"] == {"method": "Tinseth", "value": {"unit": "IBUs", "value": 34.2}}


def test_a_recipe_that_states_little_is_valid_and_one_without_a_beer_is_left_out() -> None:
    bare = "<RECIPE><BATCH_SIZE>20</BATCH_SIZE><OG>1.05</OG><FG>1.01</FG></RECIPE>"
    written = as_beerjson(f"<RECIPES><RECIPE/>{bare}</RECIPES>".encode(), [None, PREDICTED])
    assert errors(written) == []
    (recipe,) = json.loads(written)["beerjson"]["recipes"]
    assert recipe["ibu_estimate"] == ESTIMATE and recipe["efficiency"]["brewhouse"]["value"] == 74


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("name", WITH_RECIPES)
def test_all_else_of_a_file_of_beerjson_stays_as_it_is(name: str) -> None:
    contents = (SAMPLES / f"{name}.json").read_bytes()
    before, after = json.loads(contents), json.loads(as_beerjson(contents, [PREDICTED]))
    assert errors(contents) == errors(as_beerjson(contents, [PREDICTED]))
    assert after["beerjson"]["recipes"][0].pop("ibu_estimate") == ESTIMATE
    before["beerjson"]["recipes"][0].pop("ibu_estimate", None)
    assert after == before
    assert json.loads(as_beerjson(contents, [None])) == json.loads(contents)


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("name", ["Londonpride", "RRSummerBitter"])
def test_a_sample_of_beerxml_leaves_as_valid_beerjson_of_the_same_beer(name: str) -> None:
    contents = (SAMPLES / f"{name}.xml").read_bytes()
    written = as_beerjson(contents, [PREDICTED])
    assert errors(written) == []
    (before,), (after,) = read_recipes(contents), read_recipes(written)
    assert after.beer == before.beer


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        (b"[{}]", "not_as_beerjson"),
        (b"<A/>", "no_recipes"),
        (b'{"beerjson": {}}', "no_recipes"),
        (b"?", "unknown_format"),
    ],
)
def test_what_cannot_leave_as_beerjson_is_an_error(contents: bytes, code: str) -> None:
    with pytest.raises(RecipeFileError) as raised:
        as_beerjson(contents, [None])
    assert raised.value.code == code
