"""Garetz's estimate, against his published table and factors."""

import pytest

from app.domains.beer.garetz import garetz, gravity_factor, hopping_factor, utilisation
from app.domains.beer.hop_bill import Addition
from app.domains.beer.stages import Stage

# Utilisation in percent by minutes of boil (first and last of a step), from the book's table, as cited in the
# "Hops FAQ".
PUBLISHED = {
    (0, 10): 0, (11, 15): 2, (16, 20): 5, (21, 25): 8, (26, 30): 11, (31, 35): 14, (36, 40): 16,
    (41, 45): 18, (46, 50): 19, (51, 60): 20, (61, 70): 21, (71, 80): 22, (81, 90): 23,
}  # fmt: skip


@pytest.mark.parametrize("step", PUBLISHED)
def test_the_curve_passes_the_middle_of_each_published_step(step: tuple[int, int]) -> None:
    assert 100 * utilisation(sum(step) / 2) == pytest.approx(PUBLISHED[step], abs=1.0)


def test_the_curve_is_the_published_one() -> None:
    # 7.2994 + 15.0746 tanh((60 - 21.86) / 24.71), by hand: tanh(1.5435) = 0.9127
    assert 100 * utilisation(60) == pytest.approx(21.06, abs=0.01)
    assert utilisation(0) == utilisation(8) == 0.0


def test_gravity_counts_above_and_below_1050() -> None:
    assert 1 / gravity_factor(1090) == pytest.approx(1.2)
    assert 1 / gravity_factor(1040) == pytest.approx(0.95)
    assert 0 < gravity_factor(900) < 5 and gravity_factor(9e9) > 0


def test_the_hopping_rate_counts_as_in_the_published_example() -> None:
    # Homebrew Digest, 5 March 1995: at 35.3 IBU the factor is 13.6 %
    factor = hopping_factor(35.3 * 1.136, 1.0)
    assert factor == pytest.approx(1 / 1.136, rel=1e-3)


def test_the_hopping_rate_is_that_of_the_bitterness_itself() -> None:
    bill = [Addition.at_minutes(60, 12, 60), Addition.at_minutes(30, 12, 20)]
    each = garetz(bill, 20, 1060, 26)
    ibu = 60.0
    for _ in range(50):  # the calculation as Garetz has it: guess the bitterness, and repeat
        ibu = sum(
            a.grams * a.alpha * 10 / 20 * utilisation(a.minutes) / (1.05 * (1 + 20 / 26 * ibu / 260)) for a in bill
        )
    assert sum(each) == pytest.approx(ibu)
    assert each[0] / each[1] == pytest.approx(2 * utilisation(60) / utilisation(20))


def test_short_boils_and_dry_hops_add_nothing() -> None:
    bill = [Addition.at_minutes(50, 10, 5), *(Addition.at_stage(50, 10, s) for s in (Stage.WHIRLPOOL, Stage.DRY_HOP))]
    assert garetz(bill, 20, 1050) == [0.0, 0.0, 0.0]
    assert garetz([], 20, 1050) == []


@pytest.mark.parametrize("litres", [5e-324, 1e-9, 1e5])
@pytest.mark.parametrize("boil", [None, 5e-324, 1e5])
def test_extreme_bills_have_finite_estimates(litres: float, boil: float | None) -> None:
    assert 0 <= sum(garetz([Addition.at_minutes(1e7, 70, 300)] * 50, litres, 1300, boil)) < 1e12
