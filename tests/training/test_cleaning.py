"""Cleaning: each rule detects its fault once, and every row is accounted for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.cleaning import clean as clean_one
from app.domains.beer.recipe_files.numbers import number
from training.cleaning import NUMBERS, Rule, clean, rules, table
from training.errors import DataError

ONCE = {rule.name for rule in rules()}


def _by_name(frame):
    return frame.set_index("name")


def test_every_fault_in_the_data_is_detected_once(dataset):
    frame, steps = clean(dataset.recipes)
    counted = {step.rule: step.rows_affected for step in steps}
    assert counted == dict.fromkeys(ONCE, 1)
    assert (steps[0].rows_before, steps[-1].rows_after) == (len(dataset.recipes), len(frame))


@pytest.mark.parametrize(
    "name",
    [
        "No Figure",
        "Copied Figure",
        "Boast",
        "Nought",
        "Unknown Strength",
        "Spirit",
        "Syrup",
        "Ether",
        "Harbour Light Again",
    ],
)
def test_dropped_rows(dataset, name):
    frame, _ = clean(dataset.recipes)
    assert name not in set(frame["name"])


def test_corrected_rows(dataset):
    before = _by_name(table(dataset.recipes))
    after = _by_name(clean(dataset.recipes)[0])
    upside = after.loc["Upside Down"]
    assert (upside["target_og"], upside["target_fg"]) == tuple(before.loc["Upside Down", ["target_fg", "target_og"]])
    in_sg = before.loc["As Brewers Write", "target_og"]
    assert after.loc["As Brewers Write", "target_og"] == pytest.approx(in_sg * 1000)
    assert after.loc["Dropped Point", ["ph"]].isna().all()
    assert after.loc["No Strength", "abv"] == pytest.approx(131.25 * (1.038 - 1.007))
    assert (after.loc["Mixed Colours", "ebc"], after.loc["Mixed Colours", "srm"]) == (60.0, 30.5)
    assert after.loc["Odd Colours", "ebc"] == 15 and after.loc["Odd Colours", ["srm"]].isna().all()
    assert after.loc["Ink", ["ebc"]].isna().all() and after.loc["Tar", ["srm"]].isna().all()


def test_numbers_in_text_are_read_and_other_text_is_missing():
    base = {
        "id": 1,
        "name": "a",
        "abv": "5.0",
        "ibu": 40,
        "target_og": 1050,
        "target_fg": 1010,
        "ph": True,
        "ebc": "n/a",
    }
    frame, steps = clean([base])
    assert frame.loc[0, "abv"] == 5.0
    assert frame.loc[0, ["ph", "ebc"]].isna().all()
    assert steps[0].rows_affected == 1


@pytest.mark.parametrize("text", ["1_056", "nan", "inf", "\u0661\u0660", "5,6", "", True, [], 10**400])
def test_what_only_python_takes_for_a_number_is_none(text):
    assert number(text) is None and [number(good) for good in ("1056", " 5.6 ", "1e3", 7)] == [1056, 5.6, 1000, 7]


def test_an_empty_result_names_the_missing_column_or_else_the_rules():
    beers = [{"id": number, "ibu": 40, "og": 1050, "target_fg": 1010, "abv": None} for number in range(3)]
    with pytest.raises(DataError) as caught:
        clean(beers)
    assert str(caught.value) == (
        "no recipe has target_og: each needs ibu, target_og, target_fg; "
        "the columns found are abv, ibu, id, og, target_fg"
    )
    whole = [{"id": 1, "ibu": label, "abv": 5, "target_og": 1050, "target_fg": 1010} for label in (0, "ca. 40")]
    with pytest.raises(DataError, match=r"^no row is left after cleaning, of 2: not_a_number changed 1, duplicate_id"):
        clean(whole)


def test_labels_above_the_limit_of_the_caller_stay():
    beer = {"id": 1, "name": "a", "abv": 7, "ibu": 250, "target_og": 1065, "target_fg": 1010}
    assert len(clean([beer], rules(ibu_high=1000))[0]) == 1
    with pytest.raises(DataError, match="no row is left"):
        clean([beer])


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("ibu", 150, True),
        ("ibu", 150.01, False),
        ("ibu", 3, True),
        ("ibu", 2.99, False),
        ("abv", 70, True),
        ("abv", 70.01, False),
        ("target_og", 1300, True),
        ("target_og", 1301, False),
        ("target_fg", 900, True),
        ("target_fg", 899, False),
    ],
)
def test_the_ends_of_a_range_are_accepted(name, value, kept):
    beer = {"id": 1, "name": "a", "abv": 7, "ibu": 50, "target_og": 1065, "target_fg": 1010, name: value}
    other = {"id": 2, "name": "b", "abv": 5, "ibu": 30, "target_og": 1050, "target_fg": 1010}
    assert ("a" in set(clean([beer, other])[0]["name"])) is kept


@pytest.mark.parametrize(("name", "low", "high"), [("ph", 2.5, 6), ("ebc", 0, 1000), ("srm", 0, 600)])
def test_an_optional_value_outside_its_range_becomes_missing(name, low, high):
    for value, kept in ((low, True), (high, True), (low - 0.1, False), (high + 0.1, False)):
        beer = {"id": 1, "name": "a", "abv": 7, "ibu": 50, "target_og": 1065, "target_fg": 1010, name: value}
        assert (clean([beer])[0][name].tolist() == [value]) is kept, value


def test_a_rule_whose_row_counts_do_not_add_up_is_an_error():
    def adds(frame, _):
        frame.loc[len(frame)] = frame.loc[0]

    forger = Rule("forger", "adds a row", lambda frame: frame["id"] == 1, adds)
    with pytest.raises(DataError, match="forger: rows do not add up"):
        clean([{"id": 1}, {"id": 2}], [forger])


VALUES = st.none() | st.floats() | st.integers(-(10**30), 10**30) | st.booleans() | st.text(max_size=5)


@given(st.lists(st.fixed_dictionaries({"id": st.integers(1, 5), **{name: VALUES for name in NUMBERS}}), min_size=1))
def test_for_any_data_row_counts_add_up_and_remaining_rows_are_valid(beers):
    try:
        frame, steps = clean(beers)
    except DataError:
        return
    dropped = sum(step.rows_affected for step in steps if step.action == "dropped")
    assert len(frame) == len(beers) - dropped
    assert (frame["target_og"] >= frame["target_fg"]).all()
    assert frame["ibu"].between(3, 150).all()
    assert frame["abv"].between(0, 70).all()


USUAL = {"abv": 5.0, "ibu": 40, "target_og": 1056, "target_fg": 1013, "ebc": 20, "srm": 10, "ph": 4.4}
CHANGED = VALUES | st.sampled_from([0, 1.05, 2, 20, 40, 200, 1013, 1056, 2000])


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(NUMBERS, CHANGED)), min_size=1))
def test_a_beer_is_cleaned_alone_as_in_a_table(changes):
    """The platform cleans one beer at a time, training a table: the rules are the same ones."""
    beers = [{**USUAL, **changed} for changed in changes]
    alone = [clean_one(beer) for beer in beers]
    kept = [each.figures for each in alone if not each.dropped_by]
    try:
        frame, steps = clean(beers)
    except DataError:
        assert not kept
        return
    np.testing.assert_array_equal(frame[list(NUMBERS)].to_numpy(), [list(each.values()) for each in kept])
    for step in steps:
        found = [each for each in alone if step.rule == each.dropped_by or step.rule in each.mended]
        assert len(found) == step.rows_affected, step.rule


def test_without_a_label_a_beer_is_kept_only_where_that_is_asked_for():
    beer = {"target_og": 1050, "target_fg": 1010, "ibu": 0}
    assert clean_one(beer).dropped_by == "ibu_below_3"
    kept = clean_one(beer, label_required=False)
    assert not kept.dropped_by and kept.mended == ("ibu_below_3", "abv_missing")
    assert kept.figures["ibu"] != kept.figures["ibu"] and kept.figures["abv"] == 5.25
    assert clean_one({"ibu": 40}, label_required=False).dropped_by == "missing_required"
