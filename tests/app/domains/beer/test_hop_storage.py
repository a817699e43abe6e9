"""Alpha acid in storage: Garetz's rule, with his figures, and its directions."""

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from app.domains.beer.hop_storage import DAYS, DAYS_PER_MONTH, HopPackaging, share_left

SIX_MONTHS = DAYS / DAYS_PER_MONTH


def test_the_loss_of_a_variety_is_that_of_six_months_in_the_open_at_20_degrees() -> None:
    assert share_left(SIX_MONTHS, 50.0, 20.0, HopPackaging.OPEN) == pytest.approx(0.5)
    assert share_left(2 * SIX_MONTHS, 50.0, 20.0, HopPackaging.OPEN) == pytest.approx(0.25)
    assert share_left(0.0, 50.0, 20.0, HopPackaging.OPEN) == 1.0


def test_15_degrees_less_and_a_vacuum_halve_the_rate() -> None:
    assert share_left(2 * SIX_MONTHS, 50.0, 5.0, HopPackaging.OPEN) == pytest.approx(0.5)
    assert share_left(2 * SIX_MONTHS, 50.0, 20.0, HopPackaging.VACUUM) == pytest.approx(0.5)
    assert share_left(4 * SIX_MONTHS, 50.0, 5.0, HopPackaging.VACUUM) == pytest.approx(0.5)


@seed(16)
@settings(max_examples=50)
@given(
    months=st.floats(0, 120), more=st.floats(0, 120), loss=st.floats(0, 95), celsius=st.floats(-40, 40),
    warmer=st.floats(0, 40), packaging=st.sampled_from(HopPackaging),
)  # fmt: skip
def test_hops_lose_more_with_time_and_warmth(
    months: float, more: float, loss: float, celsius: float, warmer: float, packaging: HopPackaging
) -> None:
    left = share_left(months, loss, celsius, packaging)
    assert 0.0 <= share_left(months + more, loss, celsius, packaging) <= left <= 1.0
    assert share_left(months, loss, celsius + warmer, packaging) <= left
