"""A beer leaves as valid BeerJSON, and is the same beer in what the models use when it is read again."""

import json
from typing import Any

import numpy as np
import pytest

from app.domains.beer.api import RECIPE, BeerApi
from app.domains.beer.inputs import EBC, SRM, VITAL_INPUTS
from app.domains.beer.predictions import PredictionBuilder
from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_writing import BeerJsonRecipe, NamedBeer
from app.domains.beer.schema import EXAMPLE_RECIPE, Beer
from app.models.manager import ModelManager
from tests.beerjson_schema import SAMPLES, WITH_RECIPES, errors
from tests.known import REPOSITORY

Values = dict[str, Any]
PLAIN: Values = {**EXAMPLE_RECIPE, "explain": False}
HOP: Values = {"name": "Simcoe", "amount_g": 12.5}
PUNK = SAMPLES.parents[1].parent / "punk_beers.json"


def written(domain: BeerApi, values: Values, name: str = "IPA") -> BeerJsonRecipe:
    """The answer to a beer, whose document is valid."""
    answer = domain.write_recipe(NamedBeer.model_validate({"name": name, "beer": values}))
    assert errors(json.dumps(answer["document"]).encode()) == []
    return answer


def read_again(answer: BeerJsonRecipe) -> Values:
    """The beer of a document."""
    (read,) = read_recipes(json.dumps(answer["document"]).encode())
    assert read.beer is not None
    return read.beer


def features(manager: ModelManager, values: Values) -> Any:
    """What the recipe model uses of a beer: of its two colours the EBC, if it has one."""
    builder = manager.get(RECIPE).prepared(PredictionBuilder)
    row = builder.features(builder.rows([Beer.model_validate(values)])[0])[0]
    if not np.isnan(row[VITAL_INPUTS.index(EBC)]):
        row[VITAL_INPUTS.index(SRM)] = np.nan
    return row


def codes(answer: BeerJsonRecipe) -> set[tuple[str, str]]:
    """Fields and codes of the notes, without those on what BeerJSON always requires."""
    return {(note["field"], note["code"]) for note in answer["notes"] if note["code"] != "required"}


@pytest.mark.parametrize(
    ("hop", "noted"),
    [
        ({"alpha_acid": 12.0, "boil_minutes": 60}, {}),
        ({"boil_minutes": 12.5}, {}),
        ({"boil_minutes": 0}, {}),
        ({"stage": "mash"}, {}),
        ({"stage": "first_wort"}, {}),
        ({"stage": "whirlpool"}, {}),
        ({"stage": "dry_hop"}, {}),
        ({"stage": "start"}, {"stage": "stage_as_minutes"}),
        ({"stage": "middle"}, {"stage": "stage_as_minutes"}),
        ({"stage": "end"}, {"stage": "stage_as_minutes"}),
        ({"stage": "whirlpool", "temperature_c": 80.0, "stand_minutes": 25}, {}),
        ({"boil_minutes": 0, "temperature_f": 176.0}, {}),
        ({"stage": "whirlpool", "temperature_c": 98.0}, {"temperature_c": "temperature_left_out"}),
        ({"form": "cone", "boil_minutes": 60}, {}),
        ({"form": "cryo", "boil_minutes": 5}, {}),
        ({"form": "extract", "boil_minutes": 60}, {}),
        ({"form": "pellet", "alpha_acid": 30.0, "boil_minutes": 60}, {}),
        ({"alpha_acid": 48.0, "boil_minutes": 60}, {}),
        ({"alpha_acid_low": 10.0, "alpha_acid_high": 14.0, "boil_minutes": 60}, {}),
        ({"alpha_acid": 12.0, "boil_minutes": 60, "age_months": 10}, {"age_months": "age_left_out"}),
    ],
)
def test_a_hop_is_the_same_when_it_is_read_again(
    domain: BeerApi, manager: ModelManager, hop: Values, noted: dict[str, str]
) -> None:
    values = {**PLAIN, "hops": [{**HOP, **hop}, PLAIN["hops"][0]]}
    answer = written(domain, values)
    assert codes(answer) == {(f"hops.0.{field}", code) for field, code in noted.items()}
    again = read_again(answer)
    assert np.array_equal(features(manager, again), features(manager, values), equal_nan=True)
    if not noted and "alpha_acid_low" not in hop:
        assert (
            domain.predict(Beer.model_validate(again))["interval"]
            == (domain.predict(Beer.model_validate(values))["interval"])
        )


def test_stands_at_several_temperatures_stay_apart(domain: BeerApi) -> None:
    stands = [(90.0, 10), (75.0, 20), (None, None), (90.0, 5)]
    hops = [{**HOP, "stage": "whirlpool", "temperature_c": at, "stand_minutes": minutes} for at, minutes in stands]
    again = read_again(written(domain, {**PLAIN, "hops": hops}))
    assert [(hop.get("temperature_c"), hop.get("stand_minutes")) for hop in again["hops"]] == stands


@pytest.mark.parametrize(
    "values",
    [
        {"target_og_plato": 13.8, "target_fg_plato": 3.2, "hops": [], "batch_volume_gal": 5.0},
        {**PLAIN, "abv": None, "ebc": None, "srm": 8.2, "boil_volume_l": 27.5, "style": "21A"},
        {**PLAIN, "target_og": 1.056, "target_fg": 1.013, "style": "Grandmother's own", "yeast": "Bella Saison"},
        {**PLAIN, "ebc": 10.0, "srm": 19.7},  # exchanged
        {**PLAIN, "ebc": 40.0, "srm": 4.0},  # the EBC counts
    ],
)
def test_all_else_is_the_same_when_it_is_read_again(domain: BeerApi, manager: ModelManager, values: Values) -> None:
    again = read_again(written(domain, values))
    assert np.array_equal(features(manager, again), features(manager, values), equal_nan=True)
    before, after = (domain.predict(Beer.model_validate(each)) for each in (values, again))
    assert (before["ibu"], before["interval"], before.get("style")) == (
        after["ibu"],
        after["interval"],
        after.get("style"),
    )
    assert before["estimates"] == after["estimates"]


def test_the_estimate_of_the_document_is_the_prediction(domain: BeerApi) -> None:
    for more in {}, {"reference": [{"target_og": 1050.0, "target_fg": 1010.0, "hops": [], "ibu": 9.0}]}:
        answer: Any = written(domain, {**EXAMPLE_RECIPE, **more}, name="Grüße & <b>")
        (recipe,) = answer["document"]["beerjson"]["recipes"]
        ibu = domain.predict(Beer.model_validate({**PLAIN, **more}))["ibu"]
        assert recipe["ibu_estimate"] == {"method": "Other", "value": {"unit": "IBUs", "value": ibu}}
        assert recipe["name"] == "Grüße & <b>"


def test_what_is_no_hop_stays_none_and_a_beer_without_a_hop_bill_is_noted(domain: BeerApi) -> None:
    answer = written(
        domain, {**PLAIN, "hops": [{"name": "Orange peel", "amount_g": 30, "stage": "end"}, HOP | {"stage": "end"}]}
    )
    assert ("hops.0", "as_miscellaneous") in codes(answer)
    assert [hop["name"] for hop in read_again(answer)["hops"]] == ["Simcoe"]
    vitals = written(domain, {"target_og": 1050.0, "target_fg": 1010.0}, name="")
    assert codes(vitals) == {("hops", "no_hop_bill")}
    required = {note["field"] for note in vitals["notes"] if note["code"] == "required"}
    assert required == {"efficiency", "batch_volume_l"}


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
def test_the_sample_recipes_are_the_same_when_they_are_read_again(domain: BeerApi, manager: ModelManager) -> None:
    contents = [(SAMPLES / f"{name}.json").read_bytes() for name in WITH_RECIPES]
    contents += [(SAMPLES / f"{name}.xml").read_bytes() for name in ("Londonpride", "RRSummerBitter")]
    contents.append((REPOSITORY / "tests" / "data" / "recipe_files" / "ale.xml").read_bytes())
    read = [recipe for each in contents for recipe in read_recipes(each)]
    read += read_recipes(PUNK.read_bytes(), 1000)
    count = 0
    for recipe in read:
        if recipe.beer is None:
            continue
        count += 1
        before, after = (
            features(manager, values) for values in (recipe.beer, read_again(written(domain, recipe.beer)))
        )
        if recipe.beer.get("hops") is None:  # a beer without hops is read
            before, after = before[: len(VITAL_INPUTS)], after[: len(VITAL_INPUTS)]
        np.testing.assert_allclose(after, before, rtol=1e-6, err_msg=recipe.name or "")
    assert count > 200
