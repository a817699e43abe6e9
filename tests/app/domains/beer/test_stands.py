"""Stands of the hot wort: what isomerises at a temperature, in Tinseth's formula and in the physical estimate."""

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from app.domains.beer.hop_bill import DRY, WHIRLPOOL, Addition, tinseth
from app.domains.beer.isomerisation import BOIL, rates
from app.domains.beer.physical import LEFT, after, physical
from app.domains.beer.stands import COOLING, STAND_MINUTES, Stand
from app.domains.beer.tinseth import boil_factor

LITRES = 20.0
BITTERING = Addition.at_minutes(20.0, 12.0, 60.0)


def hop(stand: Stand | None, grams: float = 100.0) -> Addition:
    return Addition(grams, 12.0, WHIRLPOOL, 0.0, stand)


def test_a_stand_at_80_degrees_counts_a_sixth_of_its_minutes() -> None:
    # exp(-11858 / 353.15) / exp(-11858 / 373.15) = 0.165
    assert Stand(30.0, 80.0).boil_minutes == pytest.approx(30 * 0.1652, abs=0.01)
    assert Stand(30.0, 100.0).boil_minutes == 30.0
    assert Stand(30.0).boil_minutes == pytest.approx(30 * COOLING[0] / BOIL[0])


def test_tinseth_counts_a_stated_stand_and_no_other() -> None:
    assert tinseth([hop(None)], LITRES, 1.0) == 0.0
    expected = 100 / 20 * 12 * 10 * boil_factor(30 * 0.1652)
    assert tinseth([hop(Stand(30.0, 80.0))], LITRES, 1.0) == pytest.approx(expected, abs=0.1)


def test_the_physical_estimate_of_a_stand_is_that_of_its_temperature() -> None:
    small = hop(Stand(30.0, 80.0), 10.0)  # 60 mg/l, all dissolved
    assert physical([small], LITRES) == pytest.approx(LEFT * after(60.0, 0.0, 30.0, rates(80.0))[1])
    assert physical([hop(Stand())], LITRES) == pytest.approx(physical([hop(None)], LITRES))


def test_the_stand_of_one_addition_is_that_of_the_wort() -> None:
    """Boiled hops and earlier stands go on isomerising, from hot to cold, whatever the order in the request."""
    cold, hot, late = hop(Stand(30.0, 75.0), 10.0), hop(Stand(20.0, 90.0), 10.0), hop(Stand(5.0, 90.0), 10.0)
    alpha, iso = after(120.0, 0.0, 60.0, BOIL)
    alpha, iso = after(alpha + 60.0, iso, 15.0, rates(90.0))
    alpha, iso = after(alpha + 60.0, iso, 5.0, rates(90.0))
    _, iso = after(alpha + 60.0, iso, 30.0, rates(75.0))
    for bill in ([BITTERING, hot, late, cold], [cold, late, BITTERING, hot]):
        assert physical(bill, LITRES) == pytest.approx(LEFT * iso)


@seed(16)
@settings(max_examples=100)
@given(
    grams=st.floats(0, 1000), celsius=st.floats(20, 100), warmer=st.floats(0, 80), minutes=st.floats(0, 30),
    longer=st.floats(0, 30), boiled=st.floats(0, 200),
)  # fmt: skip
def test_a_warmer_or_a_longer_stand_never_takes_bitterness_away(
    grams: float, celsius: float, warmer: float, minutes: float, longer: float, boiled: float
) -> None:
    def estimates(stand: Stand) -> tuple[float, float]:
        bill = [Addition.at_minutes(boiled, 12.0, 30.0), hop(stand, grams)]
        return tinseth(bill, LITRES, 1.0), physical(bill, LITRES)

    before = estimates(Stand(minutes, celsius))
    for stand in Stand(minutes, min(celsius + warmer, 100.0)), Stand(minutes + longer, celsius):
        assert all(now >= was * (1 - 1e-12) - 1e-9 for now, was in zip(estimates(stand), before, strict=True))


@seed(16)
@settings(max_examples=50)
@given(grams=st.floats(0, 1000), more=st.floats(0, 1000), celsius=st.floats(20, 100), minutes=st.floats(0, 60))
def test_more_hops_in_a_stand_never_take_bitterness_away(
    grams: float, more: float, celsius: float, minutes: float
) -> None:
    stand = Stand(minutes, celsius)
    less, greater = (physical([BITTERING, hop(stand, weight)], LITRES) for weight in (grams, grams + more))
    assert greater >= less * (1 - 1e-12) - 1e-9


def test_dry_hops_and_assumed_stands_are_as_before() -> None:
    dry = Addition(100.0, 12.0, DRY, 0.0)
    assert physical([BITTERING, dry], LITRES) == physical([BITTERING], LITRES)
    assert Stand().minutes == STAND_MINUTES
