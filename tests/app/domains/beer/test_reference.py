"""Reference beers: they move answers their way, by less than their own difference, and more the more there are."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import httpx
import numpy as np
import pytest

from app.domains.beer.answers import Prediction
from app.domains.beer.api import BeerApi
from app.domains.beer.reference import RECIPE_PRIOR, VITALS_PRIOR, Shift, cost
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, MAX_REFERENCE_BEERS, Beer, Beers
from app.errors import InputError

Values = dict[str, Any]

Rows = Mapping[str, Sequence[Sequence[float]]]

VITALS: Values = dict(EXAMPLE_BEER)
RECIPE: Values = {**EXAMPLE_RECIPE, "explain": False}
BOTH = pytest.mark.parametrize("values", [VITALS, RECIPE], ids=["vitals", "recipe"])


def _ask(domain: BeerApi, values: Values, reference: list[Values] | None) -> Prediction:
    return domain.predict(Beer.model_validate({**values, "reference": reference}))


def _own(domain: BeerApi, values: Values, more: float, count: int = 1) -> list[Values]:
    """Reference beers of equal figures, so many IBU above the model's answer."""
    answer = domain.predict(Beer.model_validate({**values, "explain": False}))["ibu"]
    return [{**{key: item for key, item in values.items() if key != "explain"}, "ibu": answer + more}] * count


@BOTH
def test_more_bitter_reference_beers_move_the_answer_up_by_less_than_their_difference_and_more_with_more_of_them(
    domain: BeerApi, values: Values
) -> None:
    plain = _ask(domain, values, None)["ibu"]
    moved = [_ask(domain, values, _own(domain, values, 10.0, count))["ibu"] for count in (1, 3, 10, 50)]
    assert plain < moved[0] and moved == sorted(set(moved)) and moved[-1] < plain + 10


@BOTH
def test_less_bitter_reference_beers_move_the_answer_down_and_not_below_0(domain: BeerApi, values: Values) -> None:
    plain = _ask(domain, values, None)
    assert plain["ibu"] - 10 < _ask(domain, values, _own(domain, values, -10.0))["ibu"] < plain["ibu"]
    none = [{**_own(domain, values, 0.0)[0], "ibu": 0.0}] * 50
    answer = _ask(domain, values, none)
    assert 0 <= answer["interval"]["lower"] <= answer["ibu"] < 1


@BOTH
def test_the_interval_moves_with_the_answer_and_narrows_with_more_reference_beers(
    domain: BeerApi, values: Values
) -> None:
    plain = _ask(domain, values, None)["interval"]
    few, many = (_ask(domain, values, _own(domain, values, 0.0, count))["interval"] for count in (1, 50))
    assert few["upper"] - few["lower"] > many["upper"] - many["lower"] > plain["upper"] - plain["lower"]
    assert few["coverage"] == plain["coverage"]
    higher = _ask(domain, values, _own(domain, values, 20.0, 50))["interval"]
    assert higher["lower"] > many["lower"] and higher["upper"] > many["upper"]


@BOTH
@pytest.mark.parametrize("reference", [None, []])
def test_without_reference_beers_the_answer_is_that_of_a_request_without_the_field(
    domain: BeerApi, values: Values, reference: list[Values] | None
) -> None:
    assert _ask(domain, values, reference) == domain.predict(Beer.model_validate(values))
    batch = Beers.model_validate({"beers": [values], "reference": reference})
    assert domain.predict_batch(batch) == domain.predict_batch(Beers.model_validate({"beers": [values]}))


@pytest.mark.parametrize("stated", [0.0, 5.0, 90.0, 300.0])
def test_no_bitterness_stays_none_and_a_more_bitter_beer_is_moved_to_no_less(stated: float) -> None:
    ibu = np.arange(0.0, 150.0, 0.01)
    shift = Shift.of(np.full(50, stated), np.full(50, 40.0), RECIPE_PRIOR)
    moved = shift.moved({"ibu": ibu, "lower": ibu / 2, "upper": ibu * 2})
    steps = np.diff(moved["ibu"])
    assert moved["ibu"][0] == 0 and (steps >= 0).all() and steps.max() < 0.5
    assert (moved["lower"] <= moved["ibu"]).all() and (moved["ibu"] <= moved["upper"]).all()


def test_the_answer_says_how_many_beers_move_it_and_how_far(domain: BeerApi) -> None:
    answer = _ask(domain, VITALS, _own(domain, VITALS, 10.0, 3))
    assert answer["reference"] == {"beers": 3, "ibu": round(answer["ibu"] - _ask(domain, VITALS, None)["ibu"], 1)}


def test_reference_beers_without_hops_do_not_count_for_a_beer_with_hops(domain: BeerApi) -> None:
    of_vitals = _own(domain, VITALS, 30.0)
    answer = _ask(domain, RECIPE, of_vitals)
    assert answer.pop("reference") == {"beers": 0, "ibu": 0.0}
    assert answer == _ask(domain, RECIPE, None)
    assert _ask(domain, RECIPE, of_vitals + _own(domain, RECIPE, 5.0))["reference"]["beers"] == 1
    assert _ask(domain, VITALS, of_vitals + _own(domain, RECIPE, 5.0))["reference"]["beers"] == 2


@BOTH
@pytest.mark.parametrize("more", [10.0, 0.0])
def test_the_reasons_add_up_with_the_reference_beers_as_one_of_them(
    domain: BeerApi, values: Values, more: float
) -> None:
    answer = _ask(domain, {**values, "explain": True}, _own(domain, values, more, 5))
    explanation = answer["explanation"]
    shares = {each["group"]: each for each in explanation["contributions"]}
    total = explanation["base_value"] + sum(each["ibu"] for each in shares.values())
    assert total == pytest.approx(answer["ibu"], abs=1e-6)
    own = shares["own brewery"]
    assert own["ibu"] == answer["reference"]["ibu"] and own["inputs"] == ["reference"]
    assert "5 reference beers" in own["text"]


def test_a_batch_has_one_reference_which_each_model_reads(domain: BeerApi) -> None:
    reference = _own(domain, RECIPE, 10.0, 2)
    batch = domain.predict_batch(Beers.model_validate({"beers": [VITALS, RECIPE], "reference": reference}))
    assert batch["predictions"] == [_ask(domain, values, reference) for values in (VITALS, RECIPE)]


def test_contradictions_within_reference_beers_are_named_by_their_path(domain: BeerApi) -> None:
    good = {**RECIPE, "ibu": 30.0}
    del good["explain"]
    swapped = {**good, "target_og": 1013.0, "target_fg": 1056.0}
    timeless = {**good, "hops": [{"name": "Magnum", "amount_g": 12.0}]}
    fields = ["reference.1.target_fg", "reference.3.hops.0.stage"]
    for call in domain.predict, domain.explain:
        with pytest.raises(InputError) as error:
            call(Beer.model_validate({**VITALS, "reference": [good, swapped, good, timeless]}))
        assert [problem.field for problem in error.value.problems] == fields
    with pytest.raises(InputError) as error:
        domain.predict_batch(Beers.model_validate({"beers": [VITALS], "reference": [good, swapped, good, timeless]}))
    assert [problem.field for problem in error.value.problems] == fields


@pytest.mark.anyio
async def test_all_that_is_wrong_with_reference_beers_is_told_at_once(client: httpx.AsyncClient) -> None:
    beer = {**VITALS, "ibu": 30.0}
    reference = [beer, {**beer, "target_og": 1013.0, "target_fg": 1056.0}, VITALS, {**beer, "ibu": -1.0}]
    for path, body in (("/predict", VITALS), ("/predict/batch", {"beers": [VITALS]})):
        answer = await client.post(path, json={**body, "reference": reference})
        assert answer.status_code == 422
        fields = {error["field"] for error in answer.json()["errors"]}
        assert fields == {"reference.1.target_fg", "reference.2.ibu", "reference.3.ibu"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reference", "field"),
    [
        ([{**VITALS, "ibu": 30.0}] * (MAX_REFERENCE_BEERS + 1), "reference"),
        ([{**VITALS, "ibu": 301.0}], "reference.0.ibu"),
        ([{**VITALS, "ibu": "30"}], "reference.0.ibu"),
        ([{**VITALS, "ibu": 30.0, "explain": True}], "reference.0.explain"),
        ([{**VITALS, "ibu": 30.0, "reference": []}], "reference.0.reference"),
    ],
)
async def test_a_reference_out_of_bounds_is_rejected(
    client: httpx.AsyncClient, reference: list[Values], field: str
) -> None:
    answer = await client.post("/predict", json={**VITALS, "reference": reference})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.anyio
async def test_a_beer_of_a_batch_has_no_reference_of_its_own(client: httpx.AsyncClient) -> None:
    beer = {**VITALS, "reference": [{**VITALS, "ibu": 30.0}]}
    answer = await client.post("/predict/batch", json={"beers": [VITALS, beer]})
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("beers.1.reference", "not_in_batch")
    ]


def test_a_wrong_unit_in_a_reference_beer_is_noticed_with_its_path(domain: BeerApi) -> None:
    good = _own(domain, RECIPE, 0.0)[0]
    ounces = {**good, "hops": [{**hop, "amount_g": hop["amount_g"] / 28.35} for hop in good["hops"]]}
    answer = _ask(domain, RECIPE, [good, ounces])
    found = {warning["field"] for warning in answer["warnings"] if warning["code"] == "unit_suspected"}
    assert found == {"reference.1.hops.0.amount_g"}
    batch = domain.predict_batch(Beers.model_validate({"beers": [RECIPE], "reference": [good, ounces]}))
    assert [w["field"] for w in batch["warnings"] if w["code"] == "unit_suspected"] == list(found)


@pytest.mark.anyio
async def test_the_largest_reference_is_answered(client: httpx.AsyncClient, domain: BeerApi) -> None:
    reference = _own(domain, RECIPE, 10.0, MAX_REFERENCE_BEERS)
    answer = await client.post("/predict", json={**RECIPE, "reference": reference})
    assert answer.status_code == 200 and answer.json()["reference"]["beers"] == MAX_REFERENCE_BEERS


def test_the_memory_of_reference_beers_is_counted() -> None:
    beer = Beer.model_validate({**VITALS, "reference": [{**VITALS, "ibu": 30.0}] * 50})
    assert cost(beer.reference) > 50 * 44_000 and cost(None) == 0


OTHER_BREWERS: Rows = {
    "PicoBrew": [(40, 48.6, 25.1, 79.9), (33, 46.7, 23.8, 77.5), (19, 42.4, 20.7, 71.8), (38, 48.6, 25.1, 79.9)]
    + [(39, 69.9, 40.9, 106.5)],
    "Zainasheff and Palmer": [(50, 54.8, 29.6, 87.7), (27, 32.5, 14.0, 58.7), (27, 24.8, 9.1, 48.2)],
    "Wasted Years": [(86, 84.8, 52.5, 124.8), (79, 84.6, 52.3, 124.5), (24, 48.2, 24.8, 79.3)]
    + [(101, 97.4, 62.5, 140.0), (58, 68.5, 39.8, 104.8), (53, 53.7, 28.8, 86.3), (36, 45.8, 23.1, 76.3)],
}
"""Beers of other brewers, sources in docs/model.md: stated IBU; answer and interval of beer-ibu-recipe version 1."""
VITALS_OF_OTHERS: Rows = {
    "PicoBrew": [(40, 39.6, 7.3, 78.6), (33, 56.7, 10.9, 102.4), (19, 59.6, 10.2, 136.2), (38, 48.7, 7.6, 83.9)]
    + [(39, 59.4, 10.4, 130.5)],
    "Zainasheff and Palmer": [(50, 49.8, 7.6, 85.9), (27, 51.5, 10.6, 84.7), (27, 40.2, 7.4, 77.9)],
    "Wasted Years": [(86, 80.9, 15.6, 149.0), (79, 80.9, 15.6, 149.0), (24, 66.5, 15.5, 118.4)]
    + [(101, 79.3, 15.2, 149.0), (58, 79.3, 15.2, 149.0), (53, 39.0, 10.8, 75.2), (36, 39.0, 10.8, 75.2)],
}
"""The same beers by beer-ibu version 1."""


def _held_out(brewers: Rows, count: int, prior: float) -> tuple[str, str]:
    """Mean error and coverage with every choice of own beers of the same brewer; each brewer weighs the same."""
    errors, covered = [], []
    for beers in brewers.values():
        rows = np.array(beers)
        of_brewer = []
        for index, (stated, *outputs) in enumerate(rows):
            for chosen in combinations([other for other in range(len(rows)) if other != index], count):
                own = rows[list(chosen)]
                answer = dict(zip(("ibu", "lower", "upper"), np.array(outputs)[:, None], strict=True))
                moved = Shift.of(own[:, 0], own[:, 1], prior).moved(answer)
                ibu, lower, upper = (float(moved[name][0]) for name in ("ibu", "lower", "upper"))
                of_brewer.append((abs(ibu - stated), lower <= stated <= upper))
        mean = np.mean(of_brewer, axis=0)
        errors.append(mean[0])
        covered.append(mean[1])
    return f"{np.mean(errors):.1f}", f"{np.mean(covered):.2f}"


def test_own_beers_bring_the_recipe_model_nearer_to_other_brewers_beers() -> None:
    held_out = [_held_out(OTHER_BREWERS, count, RECIPE_PRIOR) for count in (0, 1, 2)]
    assert held_out == [("9.8", "0.82"), ("8.1", "1.00"), ("7.5", "1.00")]


def test_own_beers_do_not_bring_the_vitals_model_nearer() -> None:
    held_out = [_held_out(VITALS_OF_OTHERS, count, VITALS_PRIOR) for count in (0, 1, 2)]
    assert held_out == [("15.8", "1.00"), ("15.8", "1.00"), ("15.3", "1.00")]
