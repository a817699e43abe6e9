"""Units of beer: equal values in different notations."""

import pytest

from app.domains.beer.units import ABV_PER_POINT, EBC_PER_SRM, alcohol, points


def test_points_and_specific_gravity_are_the_same_gravity() -> None:
    differing = [t for t in range(9000, 13001) if not points(t / 10000) == points(t / 10) == t / 10]
    assert differing == []


def test_the_constants_are_those_of_brewing() -> None:
    assert EBC_PER_SRM == 1.97
    assert ABV_PER_POINT * (1050 - 1010) == pytest.approx(5.25)


@pytest.mark.parametrize(("og", "fg"), [(1050, 1010), (1.050, 1.010), (1050, 1.010), (1.050, 1010)])
def test_alcohol_follows_from_gravities_in_either_notation(og: float, fg: float) -> None:
    assert alcohol(og, fg) == pytest.approx(131.25 * (1.050 - 1.010))
