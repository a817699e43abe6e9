"""Equally probable bitternesses of a beer: from all intervals of the version that answers, in every transport."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batch.answers import BatchTransport
from app.bundle.store import read_bundle
from app.domains.beer.answers import Interval, Prediction
from app.domains.beer.api import BeerApi
from app.domains.beer.distribution import Distribution
from app.domains.beer.intervals import Intervals
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, MAX_QUANTILES, Beer, Beers
from tests.committed import committed

Values = dict[str, Any]
PLAIN: Values = {**EXAMPLE_RECIPE, "explain": False}
BEERS: list[Values] = [
    PLAIN,
    EXAMPLE_BEER,
    {**EXAMPLE_BEER, "style": "21A"},
    {**PLAIN, "hops": []},
    {**PLAIN, "hops": [{"name": "Magnum", "amount_g": 0.5, "boil_minutes": 60}]},
    {**PLAIN, "hops": [{"name": "Magnum", "amount_g": 300, "boil_minutes": 60}]},
    {**PLAIN, "reference": [{**EXAMPLE_RECIPE, "ibu": 80.0}]},
]
for each in BEERS[-1]["reference"]:
    del each["explain"]
FIGURES = st.lists(st.floats(0, 1000), min_size=7, max_size=7).map(sorted)


def _ask(domain: BeerApi, values: Values, **more: Any) -> Prediction:
    return domain.predict(Beer.model_validate({**values, **more}))


def _intervals(ends: list[float]) -> list[Interval]:
    return [
        {"lower": ends[2 - place], "upper": ends[4 + place], "coverage": coverage}
        for place, coverage in enumerate((0.5, 0.8, 0.9))
    ]


@pytest.mark.parametrize("values", BEERS)
def test_quantiles_meet_the_ends_of_every_interval(domain: BeerApi, values: Values) -> None:
    # of n quantiles, the first and last are the ends of the interval that covers 1 - 1 / n
    for count, coverage in (2, 0.5), (5, 0.8), (10, 0.9):
        answer = _ask(domain, values, quantiles=count, coverage=[coverage])
        (interval,) = answer["intervals"]
        assert (answer["quantiles"][0], answer["quantiles"][-1]) == (interval["lower"], interval["upper"])
    assert _ask(domain, values, quantiles=5)["quantiles"][2] == answer["ibu"]  # the median


@pytest.mark.parametrize("values", BEERS)
def test_quantiles_rise_from_zero_and_change_nothing_else(domain: BeerApi, values: Values) -> None:
    plain = _ask(domain, values)
    for count in (2, 20, 50, MAX_QUANTILES):
        answer = _ask(domain, values, quantiles=count)
        quantiles = answer.pop("quantiles")
        assert len(quantiles) == count and quantiles == sorted(quantiles) and quantiles[0] >= 0.0
        assert json.dumps(answer) == json.dumps(plain)


@given(FIGURES, st.floats(0.001, 0.999))
def test_quantile_and_probability_are_inverse(figures: list[float], level: float) -> None:
    figures = [figure + 0.5 * place + 1.0 for place, figure in enumerate(figures)]
    distribution = Distribution(figures[3], _intervals(figures))
    bitterness = distribution.quantile(level)
    assert bitterness >= 0.0
    if bitterness > 0.0:
        assert distribution.at_most(bitterness) == pytest.approx(level, abs=1e-6)


@given(FIGURES)
def test_quantiles_rise_whatever_the_intervals(figures: list[float]) -> None:
    quantiles = Distribution(figures[3], _intervals(figures)).quantiles(50)
    assert quantiles == sorted(quantiles) and quantiles[0] >= 0.0
    crossed: list[Interval] = [
        {"lower": figures[4], "upper": figures[5], "coverage": 0.5},
        {"lower": figures[1], "upper": figures[2], "coverage": 0.9},
    ]
    quantiles = Distribution(figures[0], crossed).quantiles(50)
    assert quantiles == sorted(quantiles)


def test_explanations_batches_and_files_have_the_quantiles_of_a_single_request(domain: BeerApi) -> None:
    expected = _ask(domain, PLAIN, quantiles=20)
    assert _ask(domain, {**PLAIN, "explain": True}, quantiles=20)["quantiles"] == expected["quantiles"]
    batch = domain.predict_batch(Beers.model_validate({"beers": [EXAMPLE_BEER, PLAIN], "quantiles": 20}))
    assert batch["predictions"] == [_ask(domain, EXAMPLE_BEER, quantiles=20), expected]
    vitals = domain.predict_batch(Beers.model_validate({"beers": [EXAMPLE_BEER] * 2, "quantiles": 20}))
    assert vitals["predictions"] == [batch["predictions"][0]] * 2
    rows = [{**PLAIN, "quantiles": 20}, PLAIN]
    answers = BatchTransport(domain.operations[0]).answer(json.dumps(rows).encode(), lambda: 60.0)
    first, second = map(json.loads, answers.predictions.splitlines())
    assert first == {"row": 1, **expected} and second == {"row": 2, **_ask(domain, PLAIN)}


@pytest.mark.anyio
async def test_what_is_no_number_of_quantiles_is_rejected(client: httpx.AsyncClient) -> None:
    for quantiles in (0, 1, MAX_QUANTILES + 1, 2.5, "20", True, [0.1, 0.9]):
        answer = await client.post("/predict", json={**PLAIN, "quantiles": quantiles})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["quantiles"]
    answers = [(await client.post("/predict", json={**PLAIN, "quantiles": each})).json() for each in (20, 20.0)]
    assert answers[0] == answers[1]  # both are integers in JSON
    answer = await client.post("/predict/batch", json={"beers": [PLAIN, {**PLAIN, "quantiles": 20}]})
    errors = [(error["field"], error["code"]) for error in answer.json()["errors"]]
    assert errors == [("beers.1.quantiles", "not_in_batch")]


def test_a_version_without_intervals_has_no_quantiles() -> None:
    manifest = read_bundle(committed("beer-ibu-recipe")).manifest
    without = manifest.model_copy(update={"coverage": None, "outputs": manifest.outputs[:3]})
    (problem,) = Intervals(without).problems_of_quantiles()
    assert problem.field == "quantiles" and "beer-ibu-recipe version" in problem.reason
    assert not Intervals(manifest).problems_of_quantiles()
