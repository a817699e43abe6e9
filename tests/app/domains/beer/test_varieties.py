"""Tests of the hop variety table and of the rule that matches names to it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.beer.varieties import (
    MAX_DECOMPOSED,
    MAX_NAME_LENGTH,
    MAX_WORDS,
    Kind,
    Variety,
    find,
    index,
    load,
    normalise,
)

REPO_ROOT = Path(__file__).resolve().parents[4]
RECIPES = REPO_ROOT.parent / "shared" / "data" / "punk_beers.json"
NOT_HOPS = Path(__file__).with_name("not_hops.txt")

VARIETIES = sorted(set(load().values()), key=lambda variety: variety.name)
CITRA = Variety("Citra", ("HBC 394",), Kind.CONE, 10, 16, 12.8, "a source")
ORIGINS = (
    "US",
    "U.S.",
    "USA",
    "American",
    "United States",
    "UK",
    "English",
    "Great Britain",
    "DE",
    "German",
    "Germany",
    "Czech",
    "Czech Republic",
    "NZ",
    "New Zealand",
    "AU",
    "Australian",
    "Slovenian",
    "Polish",
    "French",
    "Japanese",
    "South African",
    "Chinese",
)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def all_names() -> list[tuple[str, Variety]]:
    return [(name, v) for v in VARIETIES for name in (v.name, *v.other_names)]


def not_hops() -> list[str]:
    return NOT_HOPS.read_text(encoding="utf-8").splitlines()


def recipe_names() -> set[str]:
    if not RECIPES.exists():
        pytest.skip(f"no recipes at {RECIPES}")
    beers = json.loads(RECIPES.read_text(encoding="utf-8"))
    return {hop["name"] for beer in beers for hop in beer["ingredients"]["hops"]}


def match(name: str) -> str | None:
    variety = find(name)
    return variety.name if variety else None


def test_table_covers_the_common_varieties() -> None:
    assert len([v for v in VARIETIES if v.kind is Kind.CONE]) >= 150
    assert [v for v in VARIETIES if v.kind is Kind.EXTRACT]


@pytest.mark.parametrize("variety", VARIETIES, ids=lambda v: v.name)
def test_alpha_acids_are_plausible(variety: Variety) -> None:
    assert 0 < variety.alpha_low <= variety.alpha_typical <= variety.alpha_high <= 70
    # A cone cannot hold as much resin as an extract of it.
    assert (variety.alpha_typical < 25) == (variety.kind is Kind.CONE)
    assert variety.source


def test_every_name_of_the_table_matches_its_variety() -> None:
    assert all(find(name) is variety for name, variety in all_names())


def test_every_name_in_the_recipes_is_a_hop_or_known_not_to_be() -> None:
    unknown = {name for name in recipe_names() if find(name) is None}
    assert unknown == set(not_hops())


@pytest.mark.parametrize("name", not_hops())
def test_an_ingredient_other_than_hops_matches_no_variety(name: str) -> None:
    assert find(name) is None


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        str.swapcase,
        lambda name: f"  {name}\t",
        lambda name: name.replace(" ", "-"),
        lambda name: name.replace(" ", " _ "),
        lambda name: f"{name}®",
        lambda name: f"{name}™ Brand",
        lambda name: f"{name} hops",
        lambda name: f"{name} (whole leaf)",
        lambda name: f"{name} T90 pellets",
        lambda name: f"{name}, Type 90",
    ],
)
def test_case_punctuation_and_form_do_not_matter(change: Callable[[str], str]) -> None:
    wrong = [name for name, variety in all_names() if find(change(name)) is not variety]
    assert wrong == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Hallertauer Mittelfruh", "Hallertauer Mittelfrüh"),
        ("HALLERTAUER MITTELFRU\u0308H", "Hallertauer Mittelfrüh"),
        ("Sladek", "Sládek"),
        ("Brewers Gold", "Brewer's Gold"),
        ("Brewer\u2019s Gold", "Brewer's Gold"),
        ("Mt.Hood", "Mount Hood"),
        ("HBC-366", "Ekuanot"),
        ("hbc366", "Ekuanot"),
        ("Saaz (Czech)", "Saaz"),
        ("NZ Nelson Sauvin", "Nelson Sauvin"),
        ("E.K. Goldings", "East Kent Golding"),
        ("Styrian Goldings", "Styrian Golding"),
        ("Bramling Cross/ First Gold", "Bramling Cross and First Gold"),
        ("CO\u2082 Hop Extract", "Hop Extract"),
        ("C02 Extract", "Hop Extract"),
    ],
)
def test_known_spellings(written: str, name: str) -> None:
    assert match(written) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Goldings, East Kent", "East Kent Golding"),
        ("Goldings, B.C.", "East Kent Golding"),
        ("Hallertau, Hersbrucker", "Hersbrucker"),
        ("Hallertauer, New Zealand", "Wakatu"),
        ("Tettnang, U.S.", "US Tettnanger"),
        ("Tettnang (Tettnang Tettnager)", "Tettnanger"),
        ("Columbus/Tomahawk/Zeus (CTZ)", "Columbus"),
        ("Tomahawk/Zeus", "Columbus"),
        ("Mosaic (HBC 369)", "Mosaic"),
        ("Citra® Brand HBC 394 cv.", "Citra"),
        ("Simcoe (R)", "Simcoe"),
        ("US Cascade", "Cascade"),
        ("Cascade (US) 2022", "Cascade"),
        ("Magnum (Germany, 2021)", "Magnum"),
        ("Cascade [5.50 %]", "Cascade"),
        ("Nugget (AA: 13.5%)", "Nugget"),
        ("Citra - 12,0% AA", "Citra"),
        ("East Kent Goldings (EKG), 2023 crop", "East Kent Golding"),
        ("Styrian Goldings (Savinjski)", "Styrian Golding"),
    ],
)
def test_names_as_brewing_software_writes_them(written: str, name: str) -> None:
    assert match(written) == name


def test_origin_words_change_the_variety_only_if_they_name_another_plant() -> None:
    changed = {
        (variety.name, match(written))
        for name, variety in all_names()
        for origin in ORIGINS
        for written in (f"{origin} {name}", f"{name} ({origin})")
        if find(written) is not variety
    }
    assert changed == {
        ("Brewer's Gold", "German Brewer's Gold"),
        ("Cascade", "Taiheke"),
        ("Hallertauer Mittelfrüh", "Wakatu"),
        ("Tettnanger", "US Tettnanger"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "!?",
        "Hops",
        "US",
        "German pellets",
        "Extract",
        "Malt Extract",
        "Citrus",
        "Citr",
        "Citra Cryo",
        "Cryo Citra",
        "Citra LupuLN2",
        "Citra T45",
        "Fresh Citra",
        "Citra Mosaic",
        "Citra/Mosaic",
        "Citra, Mosaic",
        "Citra (Cryo) 2022",
        "Mosaic Cryo (HBC 369)",
        "Citra 50 %",
        "2022",
        "\ud800",
        "Citra " * MAX_NAME_LENGTH,
    ],
)
def test_an_unknown_name_matches_no_variety(name: str) -> None:
    assert find(name) is None


def test_a_name_is_bounded_in_length() -> None:
    assert find("Citra".ljust(MAX_NAME_LENGTH)) is find("Citra")
    assert find("Citra".ljust(MAX_NAME_LENGTH + 1)) is None


def test_a_name_is_bounded_in_length_after_its_letters_are_taken_apart() -> None:
    """The quadruple prime becomes four signs, and U+FDFA eighteen letters: a batch of such names took 29 seconds."""
    most = (MAX_DECOMPOSED - len("Citra")) // 4
    assert find("Citra" + "\u2057" * most) is find("Citra")
    assert find("Citra" + "\u2057" * (most + 1)) is None
    assert find("\ufdfa" * MAX_NAME_LENGTH) is None


def test_a_name_is_bounded_in_words() -> None:
    assert find("Citra" + " T90" * (MAX_WORDS - 1)) is find("Citra")
    assert find("Citra" + " T90" * MAX_WORDS) is None


@settings(derandomize=True)
@given(ANY_TEXT)
def test_any_text_is_accepted(text: str) -> None:
    assert isinstance(normalise(text), str)
    assert find(text) is None or find(text) in VARIETIES


@settings(derandomize=True)
@given(st.sampled_from(all_names()), st.text("\u0300\u0301\u0308 -_.,;'\u2019()/®™"))
def test_accents_and_punctuation_do_not_matter(named: tuple[str, Variety], noise: str) -> None:
    name, variety = named
    assert normalise(name + noise) == normalise(name)
    assert find(name + noise[:8]) is variety


@pytest.mark.parametrize("name", ["citra", "Citra hops", "US Citra", "HBC-394"])
def test_a_duplicate_name_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match="already names Citra"):
        index([CITRA, replace(CITRA, name=name, other_names=())])


def test_a_name_without_letters_is_rejected() -> None:
    with pytest.raises(ValueError, match="no letters"):
        index([replace(CITRA, other_names=("®",))])


@pytest.mark.parametrize(
    "alphas",
    [
        {"alpha_low": 0.0},
        {"alpha_low": 14.0},
        {"alpha_high": 12.0},
        {"alpha_high": 101.0},
        {"alpha_typical": float("nan")},
    ],
)
def test_impossible_alpha_acids_are_rejected(alphas: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Citra"):
        replace(CITRA, **alphas)  # type: ignore[arg-type]


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        load()["citra"] = CITRA  # type: ignore[index]
