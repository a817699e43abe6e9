"""The hop bill's columns: per litre, rising with every amount, by one table of stages."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.hop_bill import (
    DRY,
    EARLY,
    LATE,
    MAX_PER_LITRE,
    MIDDLE,
    WHIRLPOOL,
    Addition,
    bill_row,
    bill_rows,
    tinseth,
)
from app.domains.beer.inputs import HOP_INPUTS, names
from app.domains.beer.isomerisation import isomerised_share
from app.domains.beer.stages import Stage
from app.domains.beer.stands import Stand

AMOUNTS = st.just(0.0) | st.floats(1e-6, 10_000_000)
ALPHAS = st.floats(0, 70)
ADDITIONS = st.builds(Addition.at_stage, AMOUNTS, ALPHAS, st.sampled_from(Stage)) | st.builds(
    Addition.at_minutes, AMOUNTS, ALPHAS, st.floats(0, 300)
)
VOLUMES = st.floats(min_value=0, max_value=100_000, exclude_min=True)


def test_an_addition_with_another_weight_is_the_same_otherwise() -> None:
    addition = Addition(10.0, 12.0, LATE, 5.0, Stand(20.0, 80.0), 0.9, 2.0)
    assert all(getattr(addition, field.name) != field.default for field in fields(Addition))
    assert addition.weighing(7.0) == replace(addition, grams=7.0)


def row(*additions: Addition, litres: float = 20.0) -> dict[str, float]:
    return dict(zip(names(HOP_INPUTS), bill_row(additions, litres), strict=True))


@given(st.lists(ADDITIONS, min_size=1, max_size=6), st.lists(AMOUNTS, min_size=6, max_size=6), VOLUMES)
def test_rows_of_many_weights_are_those_of_each(additions: list[Addition], grams: list[float], litres: float) -> None:
    weights = np.array([[*grams[: len(additions)]], [addition.grams for addition in additions]])
    expected = [
        bill_row([addition.weighing(weight) for addition, weight in zip(additions, each, strict=True)], litres)
        for each in weights.tolist()
    ]
    np.testing.assert_allclose(bill_rows(additions, weights, litres), expected, rtol=1e-12, atol=1e-300)


def test_an_addition_counts_per_litre_in_the_columns_of_its_stage() -> None:
    columns = row(Addition.at_stage(40.0, 10.0, Stage.MIDDLE))
    assert columns.pop("hops_middle") == 2.0
    assert columns.pop("alpha_middle") == 200.0
    assert columns.pop("isomerised_middle") == pytest.approx(200.0 * 0.16838, rel=1e-4)  # (1 - exp(-1.2)) / 4.15
    assert columns.pop("iso_alpha_middle") == pytest.approx(200.0 * isomerised_share(30.0))
    assert set(columns.values()) == {0.0}


@pytest.mark.parametrize(
    ("minutes", "time"),
    [(0, WHIRLPOOL), (0.5, LATE), (10, LATE), (19.9, LATE), (20, MIDDLE), (44.9, MIDDLE), (45, EARLY), (300, EARLY)],
)
def test_boil_minutes_choose_the_time_of_addition(minutes: float, time: int) -> None:
    assert Addition.at_minutes(1.0, 1.0, minutes).time == time


def test_every_stage_has_a_time_and_only_dry_hops_do_not_isomerise() -> None:
    for stage in Stage:
        addition = Addition.at_stage(10.0, 10.0, stage)
        isomerised = sum(value for name, value in row(addition).items() if name.startswith("isomerised"))
        assert (isomerised == 0.0) == (addition.time == DRY) == (stage is Stage.DRY_HOP)


def test_an_extract_counts_as_the_weight_of_its_cones() -> None:
    assert row(Addition.at_stage(12.0, 50.0, Stage.START))["hops_early"] == pytest.approx(0.6 * 50 / 12)


@given(st.lists(ADDITIONS, max_size=8), VOLUMES)
def test_doubling_amounts_and_volume_changes_nothing(additions: list[Addition], litres: float) -> None:
    doubled = [Addition(2 * a.grams, a.alpha, a.time, a.minutes) for a in additions]
    assert bill_row(doubled, 2 * litres) == bill_row(additions, litres)


@given(st.lists(ADDITIONS, max_size=6), ADDITIONS, VOLUMES)
def test_another_addition_lowers_no_column_and_nothing_overflows(
    additions: list[Addition], more: Addition, litres: float
) -> None:
    before, after = bill_row(additions, litres), bill_row([*additions, more], litres)
    assert all(b <= a <= MAX_PER_LITRE for b, a in zip(before, after, strict=True))


def test_dry_hops_and_flame_out_count_nothing_in_tinseths_estimate() -> None:
    boiled = Addition.at_minutes(30.0, 10.0, 60.0)
    rest = [Addition.at_stage(50.0, 10.0, Stage.DRY_HOP), Addition.at_stage(50.0, 10.0, Stage.WHIRLPOOL)]
    # 30 g of 10 % in 20 l is 150 mg/l; 60 minutes at 1.050 use 0.231 of it.
    assert tinseth([boiled, *rest], 20.0, 1.65 * 0.000125**0.05) == pytest.approx(34.6, abs=0.1)


def test_iso_alpha_acid_follows_the_kinetics_and_never_falls_with_time():
    minutes = [0.0, 5.0, 19.0, 20.0, 44.0, 45.0, 60.0, 120.0, 200.0, 300.0]
    shares = [isomerised_share(time) for time in minutes]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.157, abs=0.01) and shares[6] == pytest.approx(0.526, abs=0.01)
    bill = row(Addition.at_minutes(20.0, 10.0, 60.0), Addition.at_stage(50.0, 10.0, Stage.DRY_HOP))
    assert sum(value for name, value in bill.items() if name.startswith("iso_alpha")) == pytest.approx(
        100.0 * isomerised_share(60.0)
    )
