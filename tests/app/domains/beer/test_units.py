"""Units of beer: equal values in different notations."""

import pytest
from numpy.polynomial import Polynomial

from app.domains.beer.units import (
    ABV_PER_POINT,
    EBC_PER_SRM,
    PLATO,
    alcohol,
    celsius,
    points,
    points_of_plato,
)


def test_points_and_specific_gravity_are_the_same_gravity() -> None:
    differing = [t for t in range(9000, 13001) if not points(t / 10000) == points(t / 10) == t / 10]
    assert differing == []


def test_the_constants_are_those_of_brewing() -> None:
    assert EBC_PER_SRM == 1.97
    assert ABV_PER_POINT * (1050 - 1010) == pytest.approx(5.25)


@pytest.mark.parametrize(("og", "fg"), [(1050, 1010), (1.050, 1.010), (1050, 1.010), (1.050, 1010)])
def test_alcohol_follows_from_gravities_in_either_notation(og: float, fg: float) -> None:
    assert alcohol(og, fg) == pytest.approx(131.25 * (1.050 - 1.010))


@pytest.mark.parametrize(
    ("plato", "gravity"), [(0, 1000.0), (5, 1019.68), (10, 1040.03), (12, 1048.37), (15, 1061.11), (20, 1082.97)]
)
def test_degrees_plato_are_those_of_the_table_of_sucrose(plato: float, gravity: float) -> None:
    assert points_of_plato(plato) == pytest.approx(gravity, abs=0.05)


def test_degrees_plato_and_points_are_inverse_from_thin_beer_to_syrup() -> None:
    degrees = [tenth / 10 for tenth in range(-50, 601)]
    gravities = [points_of_plato(plato) for plato in degrees]
    assert gravities == sorted(set(gravities))
    fit = Polynomial(PLATO)
    assert [round(fit(gravity / 1000), 4) for gravity in gravities] == degrees


def test_degrees_fahrenheit() -> None:
    assert [celsius(fahrenheit) for fahrenheit in (32, 212, 176, -40)] == pytest.approx([0, 100, 80, -40])
