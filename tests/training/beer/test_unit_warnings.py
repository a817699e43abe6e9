"""How often real recipes raise a warning about units, and how often a wrong unit does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.recipe import ASSUMED_ALPHA, resolve
from app.domains.beer.recipe_files.punk import request_of
from app.domains.beer.schema import Beer
from app.domains.beer.unit_slips import CODE
from app.domains.beer.varieties import find
from tests.known import REPOSITORY
from training.beer.bills import bill_rules
from training.cleaning import clean, rules

SHARED = REPOSITORY.parent / "shared" / "data"
GRAMS = {"g": 1.0, "kg": 1000.0, "oz": 28.35, "lb": 453.6}
LITRES = {"l": 1.0, "gal": 3.785}

Values = dict[str, Any]


@pytest.fixture(scope="module")
def recipes() -> list[Values]:
    """The recipes that the recipe model is trained on, as requests."""
    if not (SHARED / "punk_beers.json").exists():
        pytest.skip("no recipes")
    frame, _ = clean(json.loads((SHARED / "punk_beers.json").read_text("utf-8")), (*rules(), *bill_rules()))
    requests = [request_of(beer) for beer in frame["beer"]]
    for request in requests:
        request["hops"] = [_stated(hop) for hop in request["hops"] if not is_no_hop(hop["name"], hop.get("alpha_acid"))]
    return requests


def _stated(hop: Values) -> Values:
    variety = find(hop["name"])
    return {"alpha_acid": variety.alpha_typical if variety else ASSUMED_ALPHA, **hop}


def _warned(values: Values) -> bool:
    beer = Beer.model_validate(values)
    return CODE in [warning["code"] for warning in resolve(beer, beer.hops or []).warnings]


def test_real_recipes_hardly_ever_raise_a_warning(recipes: list[Values]) -> None:
    assert sum(map(_warned, recipes)) <= 1 and len(recipes) > 250


def _times(part: str, field: str, factor: float) -> Callable[[Values], Values]:
    return lambda values: {**values, part: [{**item, field: item[field] * factor} for item in values[part]]}


@pytest.mark.parametrize(
    ("slip", "share"),
    [
        (_times("hops", "amount_g", 1 / 28.35), 0.9),
        (_times("hops", "amount_g", 1 / 1000), 0.98),
        (_times("hops", "alpha_acid", 1 / 100), 0.98),
        (_times("malts", "amount_kg", 2.2046), 0.9),
        (_times("malts", "amount_kg", 1000.0), 0.95),
        (lambda values: {**values, "batch_volume_l": values["batch_volume_l"] / 3.785}, 0.95),
        (lambda values: {**values, "batch_volume_l": values["batch_volume_l"] * 1000}, 0.98),
    ],
    ids=["ounces", "kilograms", "fraction", "pounds of malt", "grams of malt", "gallons", "millilitres"],
)
def test_a_wrong_unit_is_noticed_in_most_recipes(
    recipes: list[Values], slip: Callable[[Values], Values], share: float
) -> None:
    assert sum(_warned(slip(values)) for values in recipes) >= share * len(recipes)


def _quantity(amount: Values, units: dict[str, float]) -> float | None:
    return units[amount["unit"]] * amount["value"] if amount["unit"] in units else None


def _sample(recipe: Values) -> Values:
    """A BeerJSON recipe as a request; the gravity, which the samples lack, is that of the usual yield."""
    ingredients = recipe["ingredients"]
    litres = LITRES[recipe["batch_size"]["unit"]] * recipe["batch_size"]["value"]
    malts = [(m["name"], _quantity(m["amount"], GRAMS)) for m in ingredients.get("fermentable_additions", [])]
    boil = recipe.get("boil", {}).get("pre_boil_size")
    hops = []
    for hop in ingredients.get("hop_additions", []):
        grams, timing = _quantity(hop["amount"], GRAMS), hop["timing"]
        boiled = timing["use"] == "add_to_boil"
        when = {"boil_minutes": timing["time"]["value"]} if boiled else {"stage": "dry_hop"}
        if grams is not None:
            hops.append({"name": hop["name"], "amount_g": grams, "alpha_acid": hop["alpha_acid"]["value"], **when})
    return {
        **{"target_og": 1000 + 0.225 * sum(weight or 0 for _, weight in malts) / litres, "target_fg": 1000},
        **{"batch_volume_l": litres, "boil_volume_l": boil and LITRES[boil["unit"]] * boil["value"]},
        **{"hops": hops, "malts": [{"name": name, "amount_kg": weight / 1000} for name, weight in malts if weight]},
    }


def test_sample_files_of_brewing_software_raise_no_warning() -> None:
    files = sorted((SHARED / "brewing" / "beerjson" / "samples").glob("*.json"))
    if not files:
        pytest.skip("no sample files")
    read = [json.loads(file.read_text("utf-8"))["beerjson"].get("recipes", []) for file in files]
    samples = [_sample(recipe) for found in read for recipe in found]
    assert len(samples) >= 6 and not any(map(_warned, samples))
