"""Predictions: figures are rounded to 0.1 as `round` does it, ties included."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.predictions import tenths

FIGURES = st.floats(0, 10_000, width=32) | st.integers(0, 100_000).map(lambda n: np.float32((2 * n + 1) / 20).item())


@given(st.lists(FIGURES, min_size=1))
def test_tenths_equal_those_of_round(figures: list[float]) -> None:
    assert tenths(np.array(figures)).tolist() == [round(figure, 1) for figure in figures]
