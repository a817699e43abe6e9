"""Malts and yeast as inputs: shares of weight, kinds by name, NaN if unknown."""

import math

import pytest

from app.domains.beer.grist import malt_shares, yeast_kinds


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
    ],
)
def test_yeasts_are_recognised_by_code_or_style(yeast: str, kinds: tuple[float, float]) -> None:
    assert yeast_kinds(yeast) == kinds


def test_the_kinds_of_an_unknown_yeast_are_missing() -> None:
    assert all(map(math.isnan, yeast_kinds(None)))
