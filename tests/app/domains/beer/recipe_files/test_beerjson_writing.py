"""What leaves as BeerJSON validates against beerjson's schema, and is the same beer when it is read again."""

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from app.domains.beer.recipe_files.files import as_beerjson, read_recipes
from app.domains.beer.recipe_files.reading import RecipeFileError
from tests.known import REPOSITORY

SCHEMA = REPOSITORY / "tests" / "data" / "beerjson_schema"
SAMPLES = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "samples"
WITH_RECIPES = ("CheaterHops", "FirstWortHopAddition", "KettleSour", "Londonpride", "RRSummerBitter", "recipes")
PREDICTED = {"ibu": 42.5, "interval": {"lower": 30.0, "upper": 55.0, "coverage": 0.9}}
ESTIMATE = {"method": "Other", "value": {"unit": "IBUs", "value": 42.5}}

FULL = """<RECIPES><RECIPE>
 <NAME>Ale</NAME><TYPE>All Grain</TYPE><BREWER>Me</BREWER><ASST_BREWER>You</ASST_BREWER><DATE>2024-05-06</DATE>
 <BATCH_SIZE>20</BATCH_SIZE><BOIL_SIZE>25</BOIL_SIZE><BOIL_TIME>60</BOIL_TIME><EFFICIENCY>75</EFFICIENCY>
 <OG>1.050</OG><FG>1.010</FG><EST_COLOR>12 EBC</EST_COLOR><IBU>34.2 IBUs</IBU><IBU_METHOD>Tinseth</IBU_METHOD>
 <CARBONATION>2.3</CARBONATION><NOTES>Wort &amp; hops</NOTES>
 <TASTE_NOTES>Good</TASTE_NOTES><TASTE_RATING>41</TASTE_RATING>
 <STYLE><NAME>American IPA</NAME><CATEGORY>IPA</CATEGORY><CATEGORY_NUMBER>21</CATEGORY_NUMBER>
  <STYLE_LETTER>A</STYLE_LETTER><STYLE_GUIDE>BJCP 2021</STYLE_GUIDE><TYPE>Ale</TYPE></STYLE>
 <FERMENTABLES>
  <FERMENTABLE><NAME>Pale</NAME><TYPE>Grain</TYPE><AMOUNT>5</AMOUNT><YIELD>80</YIELD><COLOR>3</COLOR>
   <ORIGIN>UK</ORIGIN><SUPPLIER>Maltster</SUPPLIER></FERMENTABLE>
  <FERMENTABLE><NAME>Flakes</NAME><TYPE>Adjunct</TYPE><AMOUNT>0.2</AMOUNT></FERMENTABLE>
  <FERMENTABLE><NAME>Sugar</NAME><TYPE>Sugar</TYPE><AMOUNT>0.1</AMOUNT><YIELD>100</YIELD><COLOR>0</COLOR>
   <ADD_AFTER_BOIL>TRUE</ADD_AFTER_BOIL></FERMENTABLE>
 </FERMENTABLES>
 <HOPS>
  <HOP><NAME>Magnum</NAME><AMOUNT>0.02</AMOUNT><ALPHA>12</ALPHA><BETA>6</BETA><USE>Boil</USE><TIME>60</TIME>
   <FORM>Pellet</FORM><ORIGIN>Germany</ORIGIN></HOP>
  <HOP><NAME>Saaz</NAME><AMOUNT>0.01</AMOUNT><USE>First Wort</USE><TIME>60</TIME><FORM>Leaf</FORM></HOP>
  <HOP><NAME>Saaz</NAME><AMOUNT>0.01</AMOUNT><ALPHA>4</ALPHA><USE>Mash</USE><TIME>60</TIME><FORM>Plug</FORM></HOP>
  <HOP><NAME>Citra</NAME><AMOUNT>0.03</AMOUNT><ALPHA>13</ALPHA><USE>Aroma</USE><TIME>20</TIME></HOP>
  <HOP><NAME>Citra</NAME><AMOUNT>0.05</AMOUNT><ALPHA>13</ALPHA><USE>Dry Hop</USE><TIME>7200</TIME></HOP>
 </HOPS>
 <YEASTS><YEAST><NAME>American Ale</NAME><TYPE>Ale</TYPE><FORM>Dry</FORM><AMOUNT>0.0115</AMOUNT>
  <AMOUNT_IS_WEIGHT>TRUE</AMOUNT_IS_WEIGHT><LABORATORY>Fermentis</LABORATORY><PRODUCT_ID>US-05</PRODUCT_ID>
  <ATTENUATION>81</ATTENUATION></YEAST><YEAST><NAME>Wild</NAME><TYPE>Wheat</TYPE></YEAST></YEASTS>
 <MISCS><MISC><NAME>Gypsum</NAME><TYPE>Water Agent</TYPE><USE>Mash</USE><TIME>60</TIME><AMOUNT>0.004</AMOUNT>
  <AMOUNT_IS_WEIGHT>TRUE</AMOUNT_IS_WEIGHT></MISC><MISC><NAME>Luck</NAME></MISC></MISCS>
 <MASH><NAME>One step</NAME><GRAIN_TEMP>20</GRAIN_TEMP><MASH_STEPS><MASH_STEP><NAME>Rest</NAME><TYPE>Infusion</TYPE>
  <INFUSE_AMOUNT>15</INFUSE_AMOUNT><STEP_TIME>60</STEP_TIME><STEP_TEMP>66</STEP_TEMP></MASH_STEP></MASH_STEPS></MASH>
</RECIPE></RECIPES>"""


@cache
def _validator() -> Draft7Validator:
    schemas = [json.loads(path.read_text("utf-8")) for path in sorted(SCHEMA.glob("*.json"))]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema, default_specification=DRAFT7)) for schema in schemas
    )
    return Draft7Validator(json.loads((SCHEMA / "beer.json").read_text("utf-8")), registry=registry)


def _errors(document: bytes) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(json.loads(document))]


def test_a_full_recipe_of_beerxml_leaves_as_valid_beerjson() -> None:
    written = as_beerjson(FULL.encode(), [PREDICTED])
    assert _errors(written) == []
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
    (before,), (after,) = read_recipes(FULL.encode()), read_recipes(as_beerjson(FULL.encode(), [None]))
    assert before.beer and after.beer
    before.beer["hops"][1]["alpha_acid"] = 3.3  # type: ignore[index]
    assert after.beer == before.beer
    assert (after.name, after.stated_ibu) == ("Ale", 34.2)


def test_without_a_prediction_the_stated_bitterness_stays() -> None:
    (recipe,) = json.loads(as_beerjson(FULL.encode(), [None]))["beerjson"]["recipes"]
    assert recipe["ibu_estimate"] == {"method": "Tinseth", "value": {"unit": "IBUs", "value": 34.2}}


def test_a_recipe_that_states_little_is_valid_and_one_without_a_beer_is_left_out() -> None:
    bare = "<RECIPE><BATCH_SIZE>20</BATCH_SIZE><OG>1.05</OG><FG>1.01</FG></RECIPE>"
    written = as_beerjson(f"<RECIPES><RECIPE/>{bare}</RECIPES>".encode(), [None, PREDICTED])
    assert _errors(written) == []
    (recipe,) = json.loads(written)["beerjson"]["recipes"]
    assert recipe["ibu_estimate"] == ESTIMATE and recipe["efficiency"]["brewhouse"]["value"] == 74


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("name", WITH_RECIPES)
def test_all_else_of_a_file_of_beerjson_stays_as_it_is(name: str) -> None:
    contents = (SAMPLES / f"{name}.json").read_bytes()
    before, after = json.loads(contents), json.loads(as_beerjson(contents, [PREDICTED]))
    assert _errors(contents) == _errors(as_beerjson(contents, [PREDICTED]))
    assert after["beerjson"]["recipes"][0].pop("ibu_estimate") == ESTIMATE
    before["beerjson"]["recipes"][0].pop("ibu_estimate", None)
    assert after == before
    assert json.loads(as_beerjson(contents, [None])) == json.loads(contents)


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("name", ["Londonpride", "RRSummerBitter"])
def test_a_sample_of_beerxml_leaves_as_valid_beerjson_of_the_same_beer(name: str) -> None:
    contents = (SAMPLES / f"{name}.xml").read_bytes()
    written = as_beerjson(contents, [PREDICTED])
    assert _errors(written) == []
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
