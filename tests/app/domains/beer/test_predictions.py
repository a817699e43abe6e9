"""Predictions: figures are rounded to 0.1 as `round` does it, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.api import BeerApi
from app.domains.beer.predictions import tenths
from app.domains.beer.schema import EXAMPLE_RECIPE, Beer
from app.domains.beer.solving.schema import Question

FIGURES = st.floats(0, 10_000, width=32) | st.integers(0, 100_000).map(lambda n: np.float32((2 * n + 1) / 20).item())


@given(st.lists(FIGURES, min_size=1))
def test_tenths_equal_those_of_round(figures: list[float]) -> None:
    assert tenths(np.array(figures)).tolist() == [round(figure, 1) for figure in figures]


def test_bitterness_to_gravity_is_the_ratio_that_a_question_asks_for(domain: BeerApi) -> None:
    recipe = {**EXAMPLE_RECIPE, "explain": False}
    for gravity in {"target_og": 1056.0}, {"target_og": 1.056}, {"target_og_plato": 13.8}:
        values = {name: value for name, value in recipe.items() if name != "target_og"} | gravity
        answer = domain.predict(Beer.model_validate(values))
        assert answer["bu_gu"] == pytest.approx(answer["ibu"] / 56.0, abs=0.006)
    question = Question.model_validate({"beer": recipe, "target": {"bu_gu": 0.7}})
    assert domain.solve(question)["prediction"]["bu_gu"] == pytest.approx(0.7, abs=0.01)
    water = domain.predict(Beer.model_validate({**recipe, "target_og": 1000.0, "target_fg": 1000.0}))
    assert "bu_gu" not in water
