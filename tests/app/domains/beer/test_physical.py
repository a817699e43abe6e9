"""The estimate from the chemistry of the boil: published rates, values computed by hand, and its directions."""

import math

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.beer.hop_bill import Addition
from app.domains.beer.isomerisation import BOIL, rates
from app.domains.beer.physical import LEFT, SOLUBLE, STAND, after, physical, physical_parts
from app.domains.beer.schema import EXAMPLE_RECIPE
from app.domains.beer.stages import Stage

GAS = 8.314e-3  # kJ per mole and kelvin
KETTLE = [stage for stage in Stage if stage is not Stage.DRY_HOP]
MAX_MINUTES = 120.0  # the kinetics have their maximum at about 140 minutes of boil, with the stand after it
GRAMS, ALPHAS, LITRES = st.floats(0, 2000), st.floats(0, 70), st.floats(1, 500)
ADDITIONS = st.builds(Addition.at_minutes, GRAMS, ALPHAS, st.floats(0, MAX_MINUTES)) | st.builds(
    Addition.at_stage, GRAMS, ALPHAS, st.sampled_from(Stage)
)
BILLS = st.lists(ADDITIONS, max_size=6)


def not_below(after: float, before: float) -> bool:
    return after >= before * (1 - 1e-12) - 1e-12


def test_the_rates_are_the_published_ones() -> None:
    # k1 = 7.9e11 exp(-11858 / 373.15) and k2 = 4.1e12 exp(-12994 / 373.15)
    assert rates(100.0) == pytest.approx((0.01249, 0.003087), rel=1e-3)
    # activation energies of 98.6 and 108.0 kJ per mole, by the abstract
    for index, energy in enumerate((98.6, 108.0)):
        colder, hotter = rates(90.0)[index], rates(130.0)[index]
        assert GAS * math.log(hotter / colder) / (1 / 363.15 - 1 / 403.15) == pytest.approx(energy, abs=0.1)


def test_values_computed_by_hand() -> None:
    # exp(-0.01249 * 60) = 0.4727; 0.01249 / (0.01249 - 0.003087) * (0.8309 - 0.4727) = 0.4758
    assert after(100.0, 0.0, 60.0, BOIL) == pytest.approx((47.27, 47.59), abs=0.02)
    # saturated: 250 * 0.01249 * 10 = 31.2 isomerise; 250 * 0.01249 / 0.003087 * (1 - exp(-0.03087)) = 30.7 are left
    assert after(1000.0, 0.0, 10.0, BOIL) == pytest.approx((968.8, 30.75), abs=0.05)
    # 20 g of 12 % in 20 l are 120 mg/l; the stand isomerises 1 - exp(-0.006967 * 20) = 13 %, of which 1.6 % degrade
    assert physical([Addition.at_minutes(20.0, 12.0, 0.0)], 20.0) == pytest.approx(120 * 0.128 * LEFT, abs=0.1)


@given(alpha=st.floats(0, 1500), iso=st.floats(0, 100), minutes=st.floats(0, 60), at=st.sampled_from([BOIL, STAND]))
@settings(max_examples=30)
def test_the_solution_is_that_of_the_differential_equations(
    alpha: float, iso: float, minutes: float, at: tuple[float, float]
) -> None:
    (k1, k2), steps = at, 2000
    left, made = alpha, iso
    for _ in range(steps):
        isomerised = k1 * min(left, SOLUBLE) * minutes / steps
        left, made = left - isomerised, made + isomerised - k2 * made * minutes / steps
    assert after(alpha, iso, minutes, at) == pytest.approx((left, made), rel=1e-3, abs=0.05)


def test_iso_alpha_acid_degrades_beyond_the_maximum_of_the_kinetics() -> None:
    (k1, k2), best = BOIL, math.log(BOIL[0] / BOIL[1]) / (BOIL[0] - BOIL[1])
    assert best == pytest.approx(148.6, abs=0.2)  # minutes, without the stand
    made = [after(100.0, 0.0, best + more, BOIL)[1] for more in (-10, 0, 10)]
    assert max(made) == made[1]
    assert k1 > k2


@given(bill=BILLS, more=ADDITIONS, litres=LITRES, factor=st.floats(1, 3))
@settings(max_examples=60)
def test_it_does_not_fall_with_grams_alpha_acid_or_another_addition(
    bill: list[Addition], more: Addition, litres: float, factor: float
) -> None:
    one = physical([*bill, more], litres)
    assert not_below(one, physical(bill, litres))
    heavier = Addition(more.grams * factor, more.alpha, more.time, more.minutes)
    stronger = Addition(more.grams, more.alpha * factor, more.time, more.minutes)
    assert not_below(physical([*bill, heavier], litres), one)
    assert not_below(physical([*bill, stronger], litres), one)


@given(bill=BILLS, litres=LITRES, boil=st.none() | st.floats(1, 1000))
@settings(max_examples=60)
def test_the_parts_of_the_additions_add_up(bill: list[Addition], litres: float, boil: float | None) -> None:
    parts = physical_parts(bill, litres, boil)
    assert len(parts) == len(bill) and min(parts, default=0.0) >= 0.0
    assert sum(parts) == pytest.approx(physical(bill, litres, boil))


def test_equal_additions_have_equal_parts_in_a_saturated_kettle() -> None:
    one, late = Addition.at_minutes(200.0, 12.0, 60.0), Addition.at_stage(200.0, 12.0, Stage.WHIRLPOOL)
    first, second, third, dry = physical_parts([one, one, late, Addition.at_stage(9.0, 9.0, Stage.DRY_HOP)], 20.0)
    assert first == pytest.approx(second) and first > third > 1.0 and dry == 0.0


@given(grams=GRAMS, alpha=ALPHAS, litres=LITRES, minutes=st.floats(0, MAX_MINUTES), longer=st.floats(0, MAX_MINUTES))
def test_it_does_not_fall_with_boil_time(
    grams: float, alpha: float, litres: float, minutes: float, longer: float
) -> None:
    shorter, longer = sorted((minutes, longer))
    one, other = (physical([Addition.at_minutes(grams, alpha, time)], litres) for time in (shorter, longer))
    assert not_below(other, one)


@given(bill=BILLS, litres=LITRES, boil=st.floats(1, 1000))
@settings(max_examples=60)
def test_volumes_scale_and_more_wort_in_the_kettle_dissolves_more(
    bill: list[Addition], litres: float, boil: float
) -> None:
    one = physical(bill, litres, boil)
    doubled = [Addition(2 * a.grams, a.alpha, a.time, a.minutes) for a in bill]
    assert physical(doubled, 2 * litres, 2 * boil) == pytest.approx(one)
    assert not_below(physical(bill, litres, 1.5 * boil), one)
    assert not_below(one, physical(bill, 1.5 * litres, 1.5 * boil))
    assert physical(bill, litres) == pytest.approx(physical(bill, litres, litres))


def test_below_the_limit_of_solubility_the_volume_before_the_boil_does_not_matter() -> None:
    bill = [Addition.at_minutes(20.0, 10.0, 60.0)]
    assert physical(bill, 20.0, 15.0) == pytest.approx(physical(bill, 20.0, 40.0))
    strong = [Addition.at_minutes(200.0, 10.0, 60.0)]
    assert physical(strong, 20.0, 10.0) < physical(strong, 20.0) < physical(strong, 20.0, 40.0)


def test_dry_hops_add_nothing_and_whirlpool_hops_isomerise_while_the_wort_cools() -> None:
    assert physical([Addition.at_stage(500.0, 12.0, Stage.DRY_HOP)], 20.0) == 0.0
    assert physical([], 20.0) == 0.0
    boiled = [physical([Addition.at_stage(20.0, 12.0, stage)], 20.0) for stage in KETTLE]
    whirlpool = physical([Addition.at_stage(20.0, 12.0, Stage.WHIRLPOOL)], 20.0)
    assert min(boiled) == whirlpool > 5.0


@pytest.mark.parametrize("litres", [5e-324, 1e-9, 1e5])
def test_extreme_bills_have_finite_estimates(litres: float) -> None:
    bill = [Addition.at_minutes(1e7, 70.0, minutes) for minutes in (0.0, 60.0, 300.0)] * 17
    assert all(0.0 <= physical(bill, litres, boil) < 1e12 for boil in (None, litres, 1e5))


@pytest.mark.anyio
async def test_it_stands_beside_tinseths_estimate_in_every_answer(client: httpx.AsyncClient) -> None:
    recipe = {**EXAMPLE_RECIPE, "explain": False}
    answer = (await client.post("/predict", json=recipe)).json()
    assert answer["estimates"] == {"tinseth": 23.5, "physical": 41.7}
    batch = (await client.post("/predict/batch", json={"beers": [recipe, recipe]})).json()
    assert [one["estimates"] for one in batch["predictions"]] == [answer["estimates"]] * 2
    explained = (await client.post("/explain", json=recipe)).json()
    assert explained["estimates"].items() >= answer["estimates"].items()
