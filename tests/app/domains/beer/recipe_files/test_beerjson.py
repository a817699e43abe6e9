"""BeerJSON becomes beers: every unit of its schema, the timing of additions, what is missing."""

import json
from typing import Any

import pytest

from app.domains.beer.recipe_files.beerjson_units import GRAMS, LITRES, MINUTES, celsius
from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_files.reading import ReadRecipe, RecipeFileError
from app.domains.beer.schema import Beer
from tests.known import REPOSITORY

BEERJSON = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson"
STEPS = [
    {"name": "heat", "start_temperature": {"unit": "F", "value": 154}, "end_temperature": {"unit": "F", "value": 212}},
    {"name": "boil", "start_temperature": {"unit": "C", "value": 100}, "step_time": {"unit": "hr", "value": 1}},
    {"name": "stand", "start_temperature": {"unit": "C", "value": 100}, "end_temperature": {"unit": "C", "value": 80},
     "step_time": {"unit": "min", "value": 20}},
    {"name": "chill", "start_temperature": {"unit": "C", "value": 80}, "end_temperature": {"unit": "C", "value": 20}},
]  # fmt: skip
BASE = "/beerjson/recipes/0"


def _of(value: Any, unit: str) -> dict[str, Any]:
    return {"unit": unit, "value": value}


def _hop(amount: Any = None, alpha: Any = 12, **timing: Any) -> dict[str, Any]:
    timing = {"use": "add_to_boil"} | timing
    stated = {} if alpha is None else {"alpha_acid": _of(alpha, "%")}
    return {"name": "Magnum", "amount": amount or _of(20, "g"), "timing": timing, **stated}


def _recipe(*hops: Any, **changed: Any) -> dict[str, Any]:
    malt = {"name": "Pale", "type": "grain", "amount": _of(5, "kg"), "color": _of(3, "Lovi"),
            "yield": {"fine_grind": _of(80, "%")}}  # fmt: skip
    yeast = {"name": "US-05", "type": "ale", "form": "dry", "amount": _of(1, "pkg"), "attenuation": _of(80, "%")}
    bill = {"fermentable_additions": [malt], "hop_additions": list(hops), "culture_additions": [yeast]}
    return {
        **{"name": "Ale", "type": "all grain", "author": "me", "batch_size": _of(20, "l")},
        **{"efficiency": {"brewhouse": _of(75, "%")}, "ingredients": bill},
        **{"original_gravity": _of(1.05, "sg"), "final_gravity": _of(1.01, "sg"), "color_estimate": _of(17, "EBC")},
        **{"boil": {"boil_time": _of(60, "min"), "pre_boil_size": _of(25, "l"), "boil_steps": STEPS}},
    } | changed


def _read(*recipes: Any) -> list[ReadRecipe]:
    return read_recipes(json.dumps({"beerjson": {"version": 1.0, "recipes": recipes}}).encode())


def _beer(read: ReadRecipe) -> dict[str, Any]:
    assert read.error is None and read.beer is not None
    Beer.model_validate(read.beer)
    return read.beer


def _notes(read: ReadRecipe) -> dict[str, str]:
    return {note.path.removeprefix(BASE): note.code for note in read.notes}


def test_what_is_stated_is_taken_without_a_note() -> None:
    style = {"name": "American IPA", "category": "IPA", "style_guide": "BJCP", "type": "beer"}
    hop = _hop(duration=_of(60, "min"))
    (read,) = _read(_recipe(hop, style=style, beer_pH=_of(4.3, "pH"), alcohol_by_volume=_of(5.2, "%")))
    assert (read.name, read.notes) == ("Ale", ())
    assert _beer(read) == {
        **{"target_og": 1050.0, "target_fg": 1010.0, "abv": 5.2, "ph": 4.3, "ebc": 17.0, "style": "American IPA"},
        **{"batch_volume_l": 20.0, "boil_volume_l": 25.0, "yeast": "US-05"},
        "hops": [{"name": "Magnum", "amount_g": 20.0, "alpha_acid": 12.0, "boil_minutes": 60.0}],
        "malts": [{"name": "Pale", "amount_kg": 5.0}],
    }


@pytest.mark.parametrize(
    ("timing", "when", "code"),
    [
        ({"duration": _of(1, "hr")}, {"boil_minutes": 60.0}, None),
        ({"duration": _of(90, "sec"), "time": _of(60, "min")}, {"boil_minutes": 1.5}, None),
        ({"time": _of(15, "min")}, {"boil_minutes": 15.0}, "time_as_duration"),
        ({"duration": _of(7, "day")}, {"stage": "dry_hop"}, "days_no_boil"),
        ({"duration": _of(10, "min"), "step": 2}, {"boil_minutes": 10.0}, None),
        ({"duration": _of(10, "min"), "step": 5}, {"boil_minutes": 10.0}, "step_unknown"),
        ({"time": _of(10, "min"), "step": 1}, {"stage": "first_wort"}, "first_wort"),
        ({"step": 3}, {"stage": "whirlpool", "stand_minutes": 20.0, "temperature_c": 80.0}, "whirlpool"),
        (
            {"step": 4, "duration": _of(5, "min")},
            {"stage": "whirlpool", "stand_minutes": 5.0, "temperature_c": 50.0},
            "whirlpool",
        ),
        ({}, {"boil_minutes": 60.0}, "time_assumed"),
        ({"continuous": True}, {"boil_minutes": 30.0}, "continuous"),
        ({"use": "add_to_mash"}, {"stage": "mash"}, None),
        ({"use": "add_to_fermentation", "time": _of(3, "day")}, {"stage": "dry_hop"}, None),
        ({"use": "add_to_package"}, {"stage": "dry_hop"}, None),
        ({"use": "by moonlight", "duration": _of(5, "min")}, {"boil_minutes": 5.0}, "use_assumed"),
    ],
)
def test_the_timing_of_an_addition_is_understood(timing: dict[str, Any], when: dict[str, Any], code: Any) -> None:
    (read,) = _read(_recipe(_hop(**timing)))
    (addition,) = _beer(read)["hops"]
    assert addition == {"name": "Magnum", "amount_g": 20.0, "alpha_acid": 12.0} | when
    assert code is None and not read.notes or code in _notes(read).values()
    assert all(path.startswith("/ingredients/hop_additions/0/timing") for path in _notes(read))


@pytest.mark.parametrize(
    ("form", "taken"),
    [("pellet", "pellet"), ("leaf", "cone"), ("plug", "cone"), ("extract", "extract"), ("powder", "cryo")],
)
def test_the_form_of_hops_is_read(form: str, taken: str) -> None:
    (read,) = _read(_recipe(_hop(duration=_of(60, "min")) | {"form": form}))
    assert _beer(read)["hops"][0]["form"] == taken and read.notes == ()


def test_wet_hops_are_noted() -> None:
    (read,) = _read(_recipe(_hop(duration=_of(60, "min")) | {"form": "leaf (wet)"}))
    assert "form" not in _beer(read)["hops"][0]
    assert _notes(read) == {"/ingredients/hop_additions/0/form": "wet_hops"}


def test_a_missing_alpha_acid_is_noted_as_the_form_has_it() -> None:
    hops = [_hop(alpha=None, duration=_of(60, "min")) | {"name": name, "form": "powder"} for name in ("Citra", "Moon")]
    (read,) = _read(_recipe(*hops))
    assert ["25.6 %" in read.notes[0].text, "20 %" in read.notes[1].text] == [True, True]


def test_every_unit_of_the_schema_is_read() -> None:
    """The factors, by other definitions of the units: NIST Handbook 44 and the Weights and Measures Act."""
    if BEERJSON.exists():
        units = json.loads((BEERJSON / "schema" / "measureable_units.json").read_text())["definitions"]
        for name, known in (("Volume", LITRES), ("Mass", GRAMS), ("Time", MINUTES)):
            assert set(units[f"{name}UnitType"]["enum"]) == set(known)
    assert LITRES["bbl"] == pytest.approx(117.347765) and LITRES["ibbl"] == pytest.approx(163.65924)
    assert LITRES["floz"] == pytest.approx(0.0295735) and LITRES["ifloz"] == pytest.approx(0.0284130625)
    assert LITRES["tsp"] * 3 == pytest.approx(LITRES["tbsp"]) and LITRES["cup"] == pytest.approx(0.2365882)
    assert LITRES["ipt"] == pytest.approx(0.5682613) and LITRES["qt"] == pytest.approx(2 * LITRES["pt"])
    assert GRAMS["oz"] * 16 == GRAMS["lb"] and MINUTES["week"] == 7 * MINUTES["day"]
    assert (celsius(_of(212, "F")), celsius(_of(80, "C")), celsius(_of(80, "K"))) == (100, 80, None)


@pytest.mark.parametrize(
    ("gravity", "points"),
    [(_of(12, "plato"), 1048.4), (_of(12, "brix"), 1048.4), (_of(1.048, "sg"), 1048.0)],
)
def test_gravities_are_read_in_every_unit(gravity: dict[str, Any], points: float) -> None:
    (read,) = _read(_recipe(original_gravity=gravity))
    assert _beer(read)["target_og"] == pytest.approx(points, abs=0.06)


def test_what_is_missing_follows_from_fermentables_and_cultures() -> None:
    unstated = dict.fromkeys(("original_gravity", "final_gravity", "color_estimate"))
    (read,) = _read(_recipe(_hop(alpha=None, duration=_of(60, "min")), **unstated))
    assert (_beer(read)["target_og"], _beer(read)["target_fg"], _beer(read)["srm"]) == (1057.6, 1011.5, 5.2)
    assert _notes(read) == {
        "/original_gravity": "og_from_grain",
        "/final_gravity": "fg_from_attenuation",
        "/color_estimate": "colour_by_morey",
        "/ingredients/hop_additions/0/alpha_acid": "alpha_typical",
    }


@pytest.mark.parametrize(
    ("yields", "og"),
    [
        ({"potential": _of(1.0368, "sg")}, 1057.6),
        ({"potential": _of(1036.8, "sg")}, 1057.6),
        ({"coarse_grind": _of(78.5, "%"), "fine_coarse_difference": _of(1.5, "%")}, 1057.6),
        ({}, 1056.1),
    ],
)
def test_extract_is_read_in_every_form(yields: dict[str, Any], og: float) -> None:
    recipe = _recipe(original_gravity=None)
    recipe["ingredients"]["fermentable_additions"][0]["yield"] = yields
    (read,) = _read(recipe)
    assert _beer(read)["target_og"] == og


@pytest.mark.parametrize(
    ("changed", "path", "code"),
    [
        ({"batch_size": None}, "/batch_size", "missing"),
        ({"batch_size": _of(5, "buckets")}, "/batch_size", "missing"),
        ({"type": "cider"}, "/type", "not_a_beer"),
        ({"ingredients": {"hop_additions": [_hop(_of(1, "each"))]}}, "/ingredients/hop_additions/0/amount", "missing"),
        ({"ingredients": {"hop_additions": [3]}}, "/ingredients/hop_additions/0", "not_an_object"),
        ({"ingredients": {"hop_additions": [_hop()] * 51}}, "/ingredients/hop_additions", "too_many"),
        ({"ingredients": 3, "original_gravity": None}, "/original_gravity", "missing"),
        ({"final_gravity": _of(1.06, "sg")}, "/final_gravity", "gravities_swapped"),
    ],
)
def test_a_recipe_of_which_no_beer_can_be_made_names_the_element_and_hides_no_other(
    changed: dict[str, Any], path: str, code: str
) -> None:
    bad, good, odd = _read(_recipe(**changed), _recipe(), "odd")
    assert bad.error and (bad.error.path, bad.error.code, bad.beer) == (f"{BASE}{path}", code, None)
    assert _beer(good)["hops"] == []
    assert odd.error and odd.error.path == "/beerjson/recipes/2"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('{"beerjson": {"version": 1}}', "no_recipes"),
        ('{"beerjson": {"recipes": []}}', "no_recipes"),
        ('{"beerjson": {"recipes": ["a", "a"], "recipes": []}}', "repeated_key"),
        ('{"beerjson": 3}', "unknown_format"),
    ],
)
def test_a_file_without_recipes_is_an_error(document: str, code: str) -> None:
    with pytest.raises(RecipeFileError) as raised:
        read_recipes(document.encode())
    assert raised.value.code == code
