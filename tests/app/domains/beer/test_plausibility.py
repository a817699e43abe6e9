"""Plausibility checks: warnings for values outside the trained range and values that disagree."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bundle.manifest import Manifest
from app.bundle.store import Bundle
from app.domains.api import Warning
from app.domains.beer.plausibility import MANY, PlausibilityChecks

BEER = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "srm": 8.6, "ph": 4.4}
COLOUR = st.just(math.nan) | st.floats(0, 600)
PH = st.just(math.nan) | st.floats(2.5, 7)
RANGES = {
    "abv": (2.0, 12.0),
    "target_og": (1030.0, 1110.0),
    "target_fg": (1000.0, 1030.0),
    "ebc": (4.0, 300.0),
    "srm": (2.0, 152.0),
    "ph": (3.2, 5.3),
}


@pytest.fixture(scope="module")
def manifest(bundle: Bundle) -> Manifest:
    """The bundle's manifest with the ranges of this module."""
    inputs = tuple(i.model_copy(update={"trained_range": RANGES[i.name]}) for i in bundle.manifest.inputs)
    return bundle.manifest.model_copy(update={"inputs": inputs})


def warnings_for(manifest: Manifest, **changed: float) -> list[Warning]:
    figures = {**BEER, **changed}
    return PlausibilityChecks(manifest).of([figures[declared.name] for declared in manifest.inputs])


def codes(manifest: Manifest, **changed: float) -> list[tuple[str, str]]:
    return [(warning["code"], warning["field"]) for warning in warnings_for(manifest, **changed)]


def test_an_ordinary_beer_gets_no_warning(manifest: Manifest) -> None:
    assert warnings_for(manifest) == []


def test_missing_values_get_no_warning(manifest: Manifest) -> None:
    assert warnings_for(manifest, ebc=math.nan, srm=math.nan, ph=math.nan) == []
    assert warnings_for(manifest, ebc=math.nan) == warnings_for(manifest, srm=math.nan) == []


@pytest.mark.parametrize("field", ["ph", "target_fg", "srm", "ebc"])
def test_a_value_outside_the_trained_range_is_named_with_the_range(manifest: Manifest, field: str) -> None:
    low, high = RANGES[field]
    others = {"ebc": {"srm": math.nan}, "srm": {"ebc": math.nan}}.get(field, {})
    others |= {"abv": 5.6, "target_og": 1056.0}
    for value in low - 0.1, high + 0.1:
        warnings = [
            w for w in warnings_for(manifest, **{**others, field: value}) if w["code"] == "outside_trained_range"
        ]
        assert [w["field"] for w in warnings] == [field]
        assert f"is {value:g}" in warnings[0]["message"]
        assert f"the model was trained on {low:g} to {high:g}" in warnings[0]["message"]
    for value in low, high:
        assert ("outside_trained_range", field) not in codes(manifest, **{**others, field: value})


def test_a_model_without_ranges_gives_no_range_warnings(manifest: Manifest) -> None:
    inputs = tuple(i.model_copy(update={"trained_range": None}) for i in manifest.inputs)
    assert warnings_for(manifest.model_copy(update={"inputs": inputs}), ph=2.5) == []


@pytest.mark.parametrize(("ebc", "srm", "expected"), [(17.0, 8.6, 0), (8.0, 5.0, 0), (17, 17, 1), (100, 100, 1)])
def test_colours_that_disagree_get_a_warning(manifest: Manifest, ebc: float, srm: float, expected: int) -> None:
    assert codes(manifest, ebc=ebc, srm=srm) == [("colour_mismatch", "ebc")] * expected


@pytest.mark.parametrize(("abv", "expected"), [(5.6, 0), (4.7, 0), (6.6, 0), (4.0, 1), (9.0, 1)])
def test_an_abv_that_does_not_follow_from_the_gravities_gets_a_warning(
    manifest: Manifest, abv: float, expected: int
) -> None:
    assert codes(manifest, abv=abv) == [("abv_mismatch", "abv")] * expected


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"abv": 0.056}, ["abv is 0.056 % vol", "5.64 % vol follows from the gravities", "a fraction: 5.6 % vol"]),
        ({"abv": 4.4}, ["abv is 4.4 % vol", "alcohol by weight: 5.54 % vol"]),
        ({"abv": 11.2}, ["abv is 11.2 % vol", "US proof: 5.6 % vol"]),
        ({"ebc": 17.0, "srm": 17.0}, ["ebc is 17 and srm 17", "33.49 EBC", "in the other's unit"]),
        ({"ebc": 8.6, "srm": 17.0}, ["ebc is 8.6 and srm 17", "33.49 EBC", "exchanged"]),
    ],
)
def test_values_that_disagree_are_named_with_what_is_expected_and_the_unit_that_fits(
    manifest: Manifest, sent: dict[str, float], words: list[str]
) -> None:
    (warning,) = [w for w in warnings_for(manifest, **sent) if w["code"].endswith("_mismatch")]
    assert all(word in warning["message"] for word in words), warning["message"]


def test_values_that_disagree_in_no_unit_get_no_guess(manifest: Manifest) -> None:
    for sent in {"abv": 8.0}, {"ebc": 100.0, "srm": 10.0}:
        assert all("probably" not in w["message"] for w in warnings_for(manifest, **sent))


def test_every_warning_has_a_code_and_a_sentence(manifest: Manifest) -> None:
    warnings = warnings_for(manifest, abv=60.0, target_og=1300.0, target_fg=1299.0, ebc=900.0, srm=599.0, ph=2.5)
    assert {w["code"] for w in warnings} == {"outside_trained_range", "colour_mismatch", "abv_mismatch"}
    assert len(warnings) == 8
    assert all(w["message"].endswith(".") and "  " not in w["message"] for w in warnings)


ROWS = st.lists(st.tuples(st.floats(0, 70), st.floats(900, 1300), st.floats(900, 1300), COLOUR, COLOUR, PH), min_size=1)


@given(ROWS)
def test_many_rows_at_once_get_the_warnings_of_each_row_alone(bundle: Bundle, rows: list[tuple[float, ...]]) -> None:
    checks = PlausibilityChecks(bundle.manifest)
    many = rows * MANY
    assert checks.of_each(np.array(many)) == [checks.of(row) for row in many]
