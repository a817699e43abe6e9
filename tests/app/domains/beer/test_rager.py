"""Rager's estimate, against his published table and examples."""

import pytest

from app.domains.beer.hop_bill import Addition
from app.domains.beer.rager import gravity_factor, rager, utilisation
from app.domains.beer.stages import Stage

# Utilisation in percent by minutes of boil (first and last of a step), from the table of the article, as cited in the
# "Hops FAQ".
PUBLISHED = {
    (0, 5): 5.0, (6, 10): 6.0, (11, 15): 8.0, (16, 20): 10.1, (21, 25): 12.1, (26, 30): 15.3,
    (31, 35): 18.8, (36, 40): 22.8, (41, 45): 26.9, (46, 50): 28.1, (51, 60): 30.0,
}  # fmt: skip


@pytest.mark.parametrize("step", PUBLISHED)
def test_the_curve_passes_the_middle_of_each_published_step(step: tuple[int, int]) -> None:
    assert 100 * utilisation(sum(step) / 2) == pytest.approx(PUBLISHED[step], abs=1.0)


def test_the_curve_is_the_published_one() -> None:
    # 18.11 + 13.86 tanh((60 - 31.32) / 18.27), by hand: tanh(1.5698) = 0.9170
    assert 100 * utilisation(60) == pytest.approx(30.82, abs=0.01)
    assert 100 * utilisation(0) == pytest.approx(5.13, abs=0.01)


def test_gravity_counts_as_in_the_published_examples() -> None:
    # The example of the article, as corrected in the Homebrew Digest: GA = (1.096 - 1.050) / 0.2 = .23
    assert 1 / gravity_factor(1096) - 1 == pytest.approx(0.23)
    # Homebrew Digest 1992: 46 IBU at 1.050 are 38 in a wort of 1.090
    assert 46 * gravity_factor(1090) == pytest.approx(38, abs=0.5)
    assert gravity_factor(1050) == gravity_factor(1036) == 1.0


def test_the_published_weight_gives_the_bitterness_that_it_was_computed_for() -> None:
    # Homebrew Digest 871: 40 IBU in 18.9 l with hops of 8.5 % boiled for an hour need 1.05 ounces, by the table's 30 %
    (ibu,) = rager([Addition.at_minutes(1.05 / 0.0353, 8.5, 60)], 18.9, 1050)
    assert ibu * 0.300 / utilisation(60) == pytest.approx(40, abs=0.2)


def test_additions_add_up_and_dry_hops_add_nothing() -> None:
    bill = [Addition.at_minutes(20, 10, 60), Addition.at_stage(20, 10, Stage.WHIRLPOOL)]
    dry = Addition.at_stage(500, 12, Stage.DRY_HOP)
    assert rager([*bill, dry], 20, 1060) == [*rager(bill[:1], 20, 1060), *rager(bill[1:], 20, 1060), 0.0]
    assert rager(bill[1:], 20, 1050) == [pytest.approx(100 * 0.0513, abs=0.01)]  # the table begins at 5 %


@pytest.mark.parametrize("litres", [5e-324, 1e-9, 1e5])
def test_extreme_bills_have_finite_estimates(litres: float) -> None:
    assert 0 <= sum(rager([Addition.at_minutes(1e7, 70, 300)] * 50, litres, 1300)) < 1e12
