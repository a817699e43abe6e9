"""Answers: figures are rounded as Python rounds them, ties and all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.answers import tenths

FIGURES = st.floats(0, 10_000, width=32) | st.integers(0, 100_000).map(lambda n: np.float32((2 * n + 1) / 20).item())


@given(st.lists(FIGURES, min_size=1))
def test_tenths_are_those_that_round_gives(figures: list[float]) -> None:
    assert tenths(np.array(figures)).tolist() == [round(figure, 1) for figure in figures]
