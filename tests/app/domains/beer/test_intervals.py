"""Intervals of the coverages that a request asks for, in every transport; without them nothing changes."""

import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app.batch.answers import BatchTransport
from app.bundle.store import highest, read_bundle
from app.domains.beer.answers import Prediction
from app.domains.beer.api import RECIPE, BeerApi
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, Beer, Beers
from app.errors import InputError, InvalidOutput
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array, Arrays
from tests.model_manager import model_manager

Values = dict[str, Any]
PLAIN: Values = {**EXAMPLE_RECIPE, "explain": False}
LEVELS = [0.5, 0.8, 0.9]


def _ask(domain: BeerApi, values: Values, **more: Any) -> Prediction:
    return domain.predict(Beer.model_validate({**values, **more}))


def _ends(answer: Any) -> list[tuple[float, float]]:
    return [(each["lower"], each["upper"]) for each in answer["intervals"]]


def test_each_interval_holds_those_of_smaller_coverages_and_the_prediction(domain: BeerApi) -> None:
    for grams in (0, 0.5, 12, 40, 300):
        bill = [{**PLAIN["hops"][0], "amount_g": grams}]
        answer = _ask(domain, PLAIN, hops=bill, coverage=LEVELS)
        assert [each["coverage"] for each in answer["intervals"]] == LEVELS
        (low50, high50), (low80, high80), (low90, high90) = _ends(answer)
        assert 0 <= low90 <= low80 <= low50 <= answer["ibu"] <= high50 <= high80 <= high90
        assert grams == 0 or low90 < low50 < high50 < high90


def test_the_interval_of_every_response_may_be_asked_for_as_well(domain: BeerApi) -> None:
    for values in (EXAMPLE_BEER, PLAIN, {**EXAMPLE_BEER, "style": "21A"}):
        answer = _ask(domain, values, coverage=[0.9])
        assert answer["intervals"] == [answer["interval"]]


def test_the_intervals_have_the_order_of_the_request_and_nothing_else_changes(domain: BeerApi) -> None:
    plain, asked = _ask(domain, PLAIN), _ask(domain, PLAIN, coverage=[0.9, 0.5, 0.8])
    assert [each["coverage"] for each in asked.pop("intervals")] == [0.9, 0.5, 0.8]
    assert json.dumps(asked) == json.dumps(plain) == json.dumps(_ask(domain, PLAIN, coverage=[]))


def test_explanations_batches_and_files_have_the_intervals_of_a_single_request(domain: BeerApi) -> None:
    expected = _ask(domain, PLAIN, coverage=LEVELS)
    assert _ask(domain, {**PLAIN, "explain": True}, coverage=LEVELS)["intervals"] == expected["intervals"]
    other = {**PLAIN, "ebc": 60.0}
    batch = domain.predict_batch(Beers.model_validate({"beers": [PLAIN, other], "coverage": LEVELS}))
    assert batch["predictions"] == [expected, _ask(domain, other, coverage=LEVELS)]
    mixed = domain.predict_batch(Beers.model_validate({"beers": [EXAMPLE_BEER, PLAIN], "coverage": [0.9]}))
    assert mixed["predictions"] == [_ask(domain, values, coverage=[0.9]) for values in (EXAMPLE_BEER, PLAIN)]
    rows = [{**PLAIN, "coverage": LEVELS}, PLAIN, {**PLAIN, "coverage": [0.7]}]
    answers = BatchTransport(domain.operations[0]).answer(json.dumps(rows).encode(), lambda: 60.0)
    first, second = map(json.loads, answers.predictions.splitlines())
    assert first == {"row": 1, **expected} and second == {"row": 2, **_ask(domain, PLAIN)}
    (error,) = map(json.loads, answers.errors.splitlines())
    assert error["row"] == 3 and [each["field"] for each in error["errors"]] == ["coverage.0"]


def test_reference_beers_move_and_widen_every_interval(domain: BeerApi) -> None:
    own = {key: value for key, value in PLAIN.items() if key != "explain"} | {"ibu": 60.0}
    plain, moved = _ask(domain, PLAIN, coverage=LEVELS), _ask(domain, PLAIN, coverage=LEVELS, reference=[own])
    assert moved["intervals"][2] == moved["interval"]
    for (low, high), (low_moved, high_moved) in zip(_ends(plain), _ends(moved), strict=True):
        root, of_moved = np.sqrt([low, high]), np.sqrt([low_moved, high_moved])
        wider = np.diff(of_moved) / np.diff(root)
        assert wider == pytest.approx(np.sqrt(1 + 1 / 1.6), abs=0.01) and of_moved.mean() > root.mean()


@pytest.mark.anyio
async def test_a_coverage_that_the_model_does_not_have_is_rejected_with_those_that_it_has(
    client: httpx.AsyncClient,
) -> None:
    calls: list[tuple[str, Values, str, str]] = [
        ("/predict", {**PLAIN, "coverage": [0.5, 0.95]}, "coverage.1", "0.5 or 0.8 or 0.9"),
        ("/explain", {**PLAIN, "coverage": [0.95]}, "coverage.0", "0.5 or 0.8 or 0.9"),
        ("/predict/batch", {"beers": [PLAIN], "coverage": [0.8, 0.951]}, "coverage.1", "0.5 or 0.8 or 0.9"),
    ]
    for path, body, field, levels in calls:
        answer = await client.post(path, json=body)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["field"], error["code"]) == (field, "unknown_coverage")
        assert (
            levels in error["reason"] and "beer-ibu-recipe version" in error["reason"] and "95" not in error["reason"]
        )


@pytest.mark.anyio
async def test_a_coverage_given_twice_is_rejected(client: httpx.AsyncClient) -> None:
    coverage = [0.5, 0.9, 0.5, 0.5]
    for path, body in ("/predict", PLAIN), ("/explain", PLAIN), ("/predict/batch", {"beers": [PLAIN]}):
        answer = await client.post(path, json={**body, "coverage": coverage})
        assert answer.status_code == 422
        errors = [(error["field"], error["code"]) for error in answer.json()["errors"]]
        assert errors == [("coverage.2", "given_twice"), ("coverage.3", "given_twice")]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("coverage", "field"),
    [
        ([0], "coverage.0"),
        ([0.5, 1], "coverage.1"),
        (["0.5"], "coverage.0"),
        (0.5, "coverage"),
        ([0.5] * 11, "coverage"),
    ],
)
async def test_what_is_no_list_of_coverages_is_rejected(client: httpx.AsyncClient, coverage: Any, field: str) -> None:
    answer = await client.post("/predict", json={**PLAIN, "coverage": coverage})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.anyio
async def test_a_beer_of_a_batch_has_no_coverage_of_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict/batch", json={"beers": [PLAIN, {**PLAIN, "coverage": [0.5]}]})
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("beers.1.coverage", "not_in_batch")
    ]


def test_a_coverage_that_the_model_does_not_have_affects_no_other_request(domain: BeerApi) -> None:
    beers = [Beer.model_validate({**PLAIN, **more}) for more in ({}, {"coverage": [0.7]}, {"coverage": [0.8]})]
    first, second, third = domain.predict_each(beers)
    assert isinstance(second, InputError)
    assert (first, third) == (domain.predict(beers[0]), domain.predict(beers[2]))


class _BrokenAt(OnnxPredictor):
    """A model one of whose intervals is not a number for beers of 4.25 %, as that of a bad bundle may be."""

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        outputs = super().predict(inputs, timeout)
        outputs["upper_80"][inputs["features"][:, 0] == 4.25] = np.nan
        return outputs


def test_an_interval_that_is_no_number_is_an_error_of_the_request_that_asks_for_it(models: Path) -> None:
    manager = model_manager(BeerApi)
    manager.add(_BrokenAt(read_bundle(highest(models, RECIPE))))
    api = BeerApi(manager)
    weak = {**PLAIN, "abv": 4.25}
    assert _ask(api, weak, coverage=[0.5])["intervals"]
    with pytest.raises(InvalidOutput):
        _ask(api, weak, coverage=[0.5, 0.8])
