"""Rows of recipes: computed by the functions of the service, with every unreadable entry counted."""

import math

import pytest

from app.domains.beer.inputs import GRIST_INPUTS, HOP_INPUTS, names
from app.domains.beer.recipe_files.punk import entries, has_bill
from app.domains.beer.varieties import find
from tests.known import REPOSITORY
from training.beer.bills import bill_rules, recipe_row
from training.cleaning import clean, rules

NOT_HOPS = (REPOSITORY / "tests" / "app" / "domains" / "beer" / "not_hops.txt").read_text("utf-8").splitlines()
SHARED = REPOSITORY.parent / "shared" / "data" / "punk_beers.json"


def _beer(*hops, **more):
    return {"volume": {"value": 20, "unit": "litres"}, "ingredients": {"hops": list(hops), "malt": []}} | more


def _hop(name, grams=20, add="start", attribute="bitter", unit="grams"):
    return {"name": name, "amount": {"value": grams, "unit": unit}, "add": add, "attribute": attribute}


def _columns(beer):
    return dict(zip(names((*HOP_INPUTS, *GRIST_INPUTS)), recipe_row(beer), strict=True))


@pytest.fixture(scope="module")
def steps(dataset):
    return {step.rule: step for step in clean(dataset.recipes, (*rules(), *bill_rules()))[1]}


@pytest.mark.parametrize(
    "rule, rows, phrase",
    [
        ("no_hop_bill", 2, ""),
        ("volume_unknown", 1, ""),
        ("malt_decimal_point", 1, ""),
        ("not_a_hop", 3, "4 entries: Toasted Oak Chips 1, Ground Coffee 1, Vanilla 1, Citra 1"),
        ("hop_unknown", 1, "1 entries: Moonshine Seedling 1"),
        ("time_unknown", 1, "1 entries: when the geese fly 1"),
    ],
)
def test_every_fault_in_the_data_is_counted_and_named(steps, rule, rows, phrase):
    assert steps[rule].rows_affected == rows
    assert phrase in steps[rule].description


def test_only_beers_without_a_bill_are_dropped(dataset):
    plain, frame = (clean(dataset.recipes, applied)[0] for applied in (rules(), (*rules(), *bill_rules())))
    assert set(plain["name"]) - set(frame["name"]) == {"Bright Water", "Stone Bridge"}
    assert "Nothing Bitter" in set(frame["name"])


def test_a_misplaced_decimal_point_is_corrected_in_a_copy(dataset):
    frame, _ = clean(dataset.recipes, (*rules(), *bill_rules()))
    mended = frame.set_index("name").loc["Whole Granary", "beer"]
    assert [malt["amount"]["value"] for malt in mended["ingredients"]["malt"]] == [9.02, 0.88, 0.29]
    assert _columns(mended)["crystal_share"] == pytest.approx(0.88 / 10.19)
    original = next(beer for beer in dataset.recipes if beer["name"] == "Whole Granary")
    assert original["ingredients"]["malt"][0]["amount"]["value"] == 902.0


@pytest.mark.parametrize("name", NOT_HOPS)
def test_ingredients_of_the_real_data_that_are_not_hops_are_known(name):
    assert [entry.kind for entry in entries(_beer(_hop(name)))] == ["other"]


@pytest.mark.parametrize("name", ["Mandarina Bavaria", "Lemondrop", "Citra", "Pilgrim", "Saphir"])
def test_a_hop_of_the_table_is_a_hop_whatever_its_name_resembles(name):
    assert [entry.kind for entry in entries(_beer(_hop(name)))] == ["hop"]


def test_alpha_acid_is_stated_or_typical_or_assumed():
    stated, table, assumed = entries(_beer(_hop("Moonshine", attribute="14% Alpha"), _hop("Saaz"), _hop("Moonshine")))
    assert (stated.alpha, stated.kind) == (14.0, "hop")
    assert (table.alpha, table.kind) == (find("Saaz").alpha_typical, "hop")
    assert (assumed.alpha, assumed.kind) == (10.0, "unknown")


def test_amounts_count_per_litre():
    small = _columns(_beer(_hop("Saaz")))
    large = _columns(_beer(_hop("Saaz", 0.04, unit="kg"), volume={"value": 40, "unit": "litres"}))
    assert small["hops_early"] == 1.0
    assert [large[name] for name in names(HOP_INPUTS)] == [small[name] for name in names(HOP_INPUTS)]


def test_malts_in_grams_and_kilograms_are_shares_of_one_weight():
    malts = [
        {"name": "Pale", "amount": {"value": 4.5, "unit": "kilograms"}},
        {"name": "Crystal 150", "amount": {"value": 450, "unit": "grams"}},
        {"name": "Flaked Oats", "amount": {"value": 50, "unit": "g"}},
    ]
    beer = _beer(_hop("Saaz"))
    beer["ingredients"]["malt"] = malts
    columns = _columns(beer)
    assert (columns["crystal_share"], columns["oat_share"]) == pytest.approx((0.09, 0.01))


def test_a_malt_in_grams_is_not_corrected():
    beer = {**_beer(_hop("Saaz")), "abv": 5, "ibu": 30, "target_og": 1050, "target_fg": 1010}
    beer["ingredients"]["malt"] = [{"name": "Pale", "amount": {"value": 4500, "unit": "grams"}}]
    steps = {step.rule: step.rows_affected for step in clean([beer], (*rules(), *bill_rules()))[1]}
    assert steps["malt_decimal_point"] == 0


def test_an_unknown_time_is_taken_as_late():
    assert _columns(_beer(_hop("Saaz", add="now")))["hops_late"] == 1.0


@pytest.mark.parametrize(
    "beer",
    [
        {},
        {"ingredients": None},
        {"ingredients": {"hops": "Saaz", "malt": 7}},
        {"ingredients": {"hops": ["Saaz", None]}},
        _beer(_hop("Saaz", None)),
        _beer(_hop("Saaz", -3)),
        _beer(_hop("Saaz", True)),
        _beer(_hop("Saaz", unit="pints")),
        _beer(_hop(None)),
        _beer({"name": "Saaz", "amount": 5}),
        _beer(volume={"value": 0, "unit": "litres"}),
        _beer(_hop("Saaz", float("inf"))),
        _beer(volume=12),
    ],
)
def test_an_unreadable_bill_is_empty(beer):
    columns = _columns(beer)
    assert {columns[name] for name in names(HOP_INPUTS)} == {0.0}
    assert all(math.isnan(columns[name]) for name in names(GRIST_INPUTS))


@pytest.mark.parametrize(
    "beer, has",
    [
        (_beer(), False),
        (_beer(_hop("Saaz")), True),
        ({"ingredients": {"hops": [], "malt": [{"name": "Pale"}]}}, True),
        ({"ingredients": {"malt": [{"name": "Pale"}]}}, False),
        ({}, False),
    ],
)
def test_has_bill(beer, has):
    assert has_bill(beer) is has
