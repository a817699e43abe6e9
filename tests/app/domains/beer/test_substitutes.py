"""Substitutes of hop varieties: near in alpha acid, of a use that fits, those that are named first."""

import pytest

from app.domains.beer.substitutes import MOST, Use, _table, substitutes, use_of
from app.domains.beer.varieties import Kind, Variety, find, load

VARIETIES = list({variety.name: variety for variety in load().values()}.values())


def variety(name: str) -> Variety:
    found = find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cascade", ("Amarillo", "Centennial")),  # named; Columbus, named as well, has more than twice the alpha acid
        ("Fuggle", ("Willamette",)),
        ("Magnum", ("Nugget", "Columbus")),
        ("Citra CO2 Extract", ("Simcoe CO2 Extract",)),
    ],
)
def test_known_substitutes_come_first(name: str, expected: tuple[str, ...]) -> None:
    assert substitutes(variety(name))[: len(expected)] == expected


@pytest.mark.parametrize("one", VARIETIES, ids=lambda one: one.name)
def test_substitutes_are_other_varieties_that_fit(one: Variety) -> None:
    names = substitutes(one)
    assert len(names) == len(set(names)) <= MOST and one.name not in names
    for name in names:
        other = variety(name)
        assert other.name == name and other.kind is one.kind
        assert 0.5 <= other.alpha_typical / one.alpha_typical <= 2
        if {use_of(one), use_of(other)} == {Use.AROMA, Use.BITTERING}:
            assert name in _table()[one.name].substitutes


def test_nearly_every_variety_has_a_substitute() -> None:
    without = {one.name for one in VARIETIES if one.kind is Kind.CONE and not substitutes(one)}
    assert without <= {"Contessa", "Teamaker", "Strisselspalt"}


def test_every_name_in_the_table_is_a_variety() -> None:
    for name, known in _table().items():
        assert variety(name).name == name
        assert all(variety(other).name == other for other in known.substitutes)
