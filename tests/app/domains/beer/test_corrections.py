"""Values that are certainly wrong are corrected as in training."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bundle.store import Bundle
from app.domains.beer.answers import Prediction
from app.domains.beer.api import BeerApi
from app.domains.beer.corrections import FEW, Corrections, contradict, exchanged
from app.domains.beer.schema import Beer
from training.cleaning import clean

OTHERS = {"abv": 5.5, "target_og": 1053.0, "target_fg": 1011.0}
HOPS = [{"name": "Magnum", "amount_g": 20, "boil_minutes": 60}]
COLOUR = st.integers(0, 600).map(float) | st.just(math.nan)
PH = st.integers(25, 70).map(lambda tenths: tenths / 10) | st.just(math.nan)


def corrected(bundle: Bundle, ebc: float, srm: float, ph: float, rows: int = 1) -> list[float]:
    names = [declared.name for declared in bundle.manifest.inputs]
    figures = {**OTHERS, "ebc": ebc, "srm": srm, "ph": ph}
    row = np.array([[figures[name] for name in names]] * rows)
    result = Corrections(bundle.manifest).of(row)
    assert (np.isnan(result) | (result == result[0])).all()
    return [float(result[-1, names.index(name)]) for name in ("ebc", "srm", "ph")]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ((17.0, 8.6, 4.4), (17.0, 8.6, 4.4)),
        ((15.0, 30.0, 4.4), (30.0, 15.0, 4.4)),  # exchanged
        ((30.0, 30.0, 4.4), (30.0, math.nan, 4.4)),  # both in one unit
        ((4.0, 3.0, 4.4), (4.0, 3.0, 4.4)),  # within two units
        ((17.0, math.nan, 6.0), (17.0, math.nan, 6.0)),
        ((math.nan, 9.0, 6.1), (math.nan, 9.0, math.nan)),  # the pH of wort
        ((15.0, 30.0, 7.0), (30.0, 15.0, math.nan)),
    ],
)
@pytest.mark.parametrize("rows", [1, FEW + 1], ids=["few", "many"])
def test_colours_are_exchanged_or_the_ebc_counts_and_the_ph_of_a_wort_is_missing(
    bundle: Bundle, sent: tuple[float, float, float], expected: tuple[float, float, float], rows: int
) -> None:
    assert corrected(bundle, *sent, rows=rows) == pytest.approx(expected, nan_ok=True)


@settings(max_examples=50)
@given(ebc=COLOUR, srm=COLOUR, ph=PH)
def test_training_cleans_a_recipe_to_the_same_values(bundle: Bundle, ebc: float, srm: float, ph: float) -> None:
    recipe: Any = {**OTHERS, "ibu": 40, "ebc": ebc, "srm": srm, "ph": ph}
    frame, _ = clean([recipe])
    assert corrected(bundle, ebc, srm, ph) == pytest.approx(
        [frame[name][0] for name in ("ebc", "srm", "ph")], nan_ok=True
    )


def test_numbers_arrays_and_columns_follow_one_rule() -> None:
    ebc, srm = [15.0, 30.0, 17.0, math.nan], [30.0, 30.0, 8.6, 5.0]
    for rule, expected in ((exchanged, [True, False, False, False]), (contradict, [True, True, False, False])):
        assert [bool(rule(*pair)) for pair in zip(ebc, srm, strict=True)] == expected
        assert rule(np.array(ebc), np.array(srm)).tolist() == expected
        assert rule(pd.Series(ebc), pd.Series(srm)).tolist() == expected


@pytest.mark.parametrize("hops", [None, HOPS], ids=["vitals", "recipe"])
@pytest.mark.parametrize(
    ("sent", "same_as", "code", "words"),
    [
        (
            {"ph": 6.5},
            {},
            "outside_trained_range",
            "so the prediction is the same as without a pH.",
        ),
        ({"ebc": 15.0, "srm": 30.0}, {"ebc": 30.0, "srm": 15.0}, "colour_mismatch", "the other way round, which fits."),
        ({"ebc": 30.0, "srm": 30.0}, {"ebc": 30.0}, "colour_mismatch", "The model received the EBC alone."),
    ],
)
def test_the_answer_is_that_of_the_corrected_values_with_a_warning(
    domain: BeerApi, hops: Any, sent: dict[str, float], same_as: dict[str, float], code: str, words: str
) -> None:
    def answer(more: dict[str, float]) -> Prediction:
        return domain.predict(Beer.model_validate({**OTHERS, **more, "hops": hops}))

    wrong, right = answer(sent), answer(same_as)
    assert (wrong["ibu"], wrong["interval"]) == (right["ibu"], right["interval"])
    (message,) = [warning["message"] for warning in wrong["warnings"] if warning["code"] == code]
    assert message.endswith(words) and not [w for w in right["warnings"] if w["code"] == code]
