"""Malts and yeast as inputs: shares of weight, kinds by name, NaN if unknown."""

import math

import pytest

from app.domains.beer.grist import is_known_malt, malt_shares, yeast_kinds


def test_malt_shares_are_shares_of_the_weight_of_the_grist() -> None:
    grist = [("Extra Pale", 3.0), ("Flaked Oats", 1.0), ("Crystal 150", 0.5), ("Caramalt", 0.5)]
    assert malt_shares(grist) == (0.2, 0.2)


@pytest.mark.parametrize("name", ["Carafa Special Malt Type 3", "Cascara", "Wheat", "Goat's Choice"])
def test_similar_names_are_neither_crystal_nor_oat(name: str) -> None:
    assert malt_shares([(name, 1.0)]) == (0.0, 0.0)


@pytest.mark.parametrize("malts", [None, [], [("Pale", 0.0)]])
def test_without_a_weight_the_shares_are_missing(malts: list[tuple[str, float]] | None) -> None:
    assert all(map(math.isnan, malt_shares(malts)))


@pytest.mark.parametrize(
    ("yeast", "kinds"),
    [
        ("Wyeast 1056 - American Ale", (1.0, 0.0)),
        ("Safale US-05", (1.0, 0.0)),
        ("Wyeast 3711 - French Saison", (0.0, 1.0)),
        ("Saflager W-34/70", (0.0, 0.0)),
        ("Wyeast 1056 & House Brett Blend", (1.0, 1.0)),
    ],
)
def test_yeasts_are_recognised_by_code_or_style(yeast: str, kinds: tuple[float, float]) -> None:
    assert yeast_kinds(yeast) == kinds


@pytest.mark.parametrize("yeast", [None, "", "Moon Strain", "x" * 100])
def test_the_kinds_of_an_unknown_yeast_are_missing(yeast: str | None) -> None:
    assert all(map(math.isnan, yeast_kinds(yeast)))


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        ("Caramel/Crystal Malt - 60L", (0.0, 1.0)),
        ("Cara Plus 200", (0.0, 1.0)),
        ("C60", (0.0, 1.0)),
        ("Special B", (0.0, 1.0)),
        ("Hafermalz", (1.0, 0.0)),
        ("Golden Naked Oats", (1.0, 0.0)),
        ("Rahr 2-row Brewer's Malt", (0.0, 0.0)),
        ("Pale Malt, Maris Otter", (0.0, 0.0)),
        ("Blackprinz", (0.0, 0.0)),
    ],
)
def test_malts_are_known_as_software_writes_them(name: str, shares: tuple[float, float]) -> None:
    assert is_known_malt(name) and malt_shares([(name, 2.0)]) == shares


@pytest.mark.parametrize("name", ["Zorblax", "Zorblax Malt", "Simcoe"])
def test_a_name_that_tells_no_malt_is_unknown(name: str) -> None:
    assert not is_known_malt(name)
