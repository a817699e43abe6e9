"""Scales: monotone, invertible, with constant shifts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.scale import Scale

SCALES = [Scale(), Scale(kind="log", offset=1.0), Scale(kind="log", offset=30.0), Scale(kind="sqrt")]
IBU = st.floats(0, 200, width=32)


@given(st.lists(IBU, min_size=1), st.sampled_from(SCALES))
def test_the_inverse_undoes_the_scale(ibu, scale):
    values = np.array(ibu, dtype=np.float32)
    assert scale.ibu(scale.of(values)) == pytest.approx(values, rel=1e-4, abs=1e-3)


@given(IBU, IBU, st.floats(-5, 5), st.sampled_from(SCALES))
def test_shifting_keeps_the_order_and_is_never_negative(one, other, by, scale):
    low, high = scale.moved(np.array(sorted((one, other)), dtype=np.float32), by)
    assert 0 <= low <= high


@given(IBU, st.floats(0, 3), st.sampled_from(SCALES))
def test_a_shift_is_constant_on_the_scale(ibu, by, scale):
    value = np.float32([ibu])
    assert scale.of(scale.moved(value, by)) == pytest.approx(scale.of(value) + by, rel=1e-3, abs=1e-3)


def test_negative_values_become_zero():
    assert (Scale(kind="sqrt").ibu(np.float32([-3.0, 0.0, 2.0])) == np.float32([0, 0, 4])).all()
    assert Scale().ibu(np.float32([-3.0])) == 0


def test_only_the_logarithmic_scale_has_an_offset():
    with pytest.raises(ValueError, match="only a logarithm"):
        Scale(kind="sqrt", offset=1.0)
