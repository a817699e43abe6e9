"""Warnings: what is said of a beer whose figures the model has not seen, or that contradict each other."""

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
    """The bundle's manifest with ranges that this module knows."""
    inputs = tuple(i.model_copy(update={"trained_range": RANGES[i.name]}) for i in bundle.manifest.inputs)
    return bundle.manifest.model_copy(update={"inputs": inputs})


def said(manifest: Manifest, **changed: float) -> list[Warning]:
    figures = {**BEER, **changed}
    return PlausibilityChecks(manifest).of([figures[declared.name] for declared in manifest.inputs])


def codes(manifest: Manifest, **changed: float) -> list[tuple[str, str]]:
    return [(warning["code"], warning["field"]) for warning in said(manifest, **changed)]


def test_an_ordinary_beer_raises_no_doubt(manifest: Manifest) -> None:
    assert said(manifest) == []


def test_missing_values_raise_no_doubt(manifest: Manifest) -> None:
    assert said(manifest, ebc=math.nan, srm=math.nan, ph=math.nan) == []
    assert said(manifest, ebc=math.nan) == said(manifest, srm=math.nan) == []


@pytest.mark.parametrize("field", ["ph", "target_fg", "srm", "ebc"])
def test_a_value_outside_the_trained_range_is_named_with_the_range(manifest: Manifest, field: str) -> None:
    low, high = RANGES[field]
    others = {"ebc": {"srm": math.nan}, "srm": {"ebc": math.nan}}.get(field, {})
    others |= {"abv": 5.6, "target_og": 1056.0}
    for value in low - 0.1, high + 0.1:
        found = [w for w in said(manifest, **{**others, field: value}) if w["code"] == "outside_trained_range"]
        assert [w["field"] for w in found] == [field]
        assert f"{low:g} to {high:g}" in found[0]["message"]
    for value in low, high:
        assert ("outside_trained_range", field) not in codes(manifest, **{**others, field: value})


def test_a_model_without_ranges_says_nothing_of_them(manifest: Manifest) -> None:
    inputs = tuple(i.model_copy(update={"trained_range": None}) for i in manifest.inputs)
    assert said(manifest.model_copy(update={"inputs": inputs}), ph=2.5) == []


@pytest.mark.parametrize(("ebc", "srm", "doubted"), [(17.0, 8.6, 0), (8.0, 5.0, 0), (17, 17, 1), (100, 100, 1)])
def test_colours_that_disagree_are_named(manifest: Manifest, ebc: float, srm: float, doubted: int) -> None:
    assert codes(manifest, ebc=ebc, srm=srm) == [("colour_mismatch", "ebc")] * doubted


@pytest.mark.parametrize(("abv", "doubted"), [(5.6, 0), (4.7, 0), (6.6, 0), (4.0, 1), (9.0, 1)])
def test_an_abv_that_does_not_follow_from_the_gravities_is_named(manifest: Manifest, abv: float, doubted: int) -> None:
    assert codes(manifest, abv=abv) == [("abv_mismatch", "abv")] * doubted


def test_every_warning_has_a_code_and_a_sentence(manifest: Manifest) -> None:
    found = said(manifest, abv=60.0, target_og=1300.0, target_fg=1299.0, ebc=900.0, srm=599.0, ph=2.5)
    assert {w["code"] for w in found} == {"outside_trained_range", "colour_mismatch", "abv_mismatch"}
    assert len(found) == 8
    assert all(w["message"].endswith(".") and "  " not in w["message"] for w in found)


ROWS = st.lists(st.tuples(st.floats(0, 70), st.floats(900, 1300), st.floats(900, 1300), COLOUR, COLOUR, PH), min_size=1)


@given(ROWS)
def test_many_at_once_raise_the_doubts_that_each_does_alone(bundle: Bundle, rows: list[tuple[float, ...]]) -> None:
    doubts = PlausibilityChecks(bundle.manifest)
    many = rows * MANY
    assert doubts.of_each(np.array(many)) == [doubts.of(row) for row in many]
