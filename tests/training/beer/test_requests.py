"""What a client sends reaches the model as the row that training made of the same recipe."""

import json
from collections.abc import Sequence
from typing import Any, cast

import httpx
import numpy as np
import pytest

from app.domains.beer.api import RECIPE as SERVED
from app.domains.beer.api import VITALS, BeerApi
from app.domains.beer.recipe_files.punk import request_of
from app.domains.beer.schema import Beers
from app.models.loaded import LoadedModel
from tests.known import REPOSITORY
from training.beer.bills import bill_rules
from training.beer.recipe import RECIPE
from training.cleaning import clean, rules
from training.sources import Recipe, RecipeDataset

SHARED = REPOSITORY.parent / "shared" / "data" / "punk_beers.json"

Rows = dict[str, list[Any]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """The rows that each model takes, as they come."""
    rows: Rows = {SERVED: [], VITALS: []}
    infer = LoadedModel.infer

    def recorded(self: LoadedModel, arrays: Any, *more: Any, **named: Any) -> Any:
        rows[self.manifest.name] += list(arrays["features"])
        return infer(self, arrays, *more, **named)

    monkeypatch.setattr(LoadedModel, "infer", recorded)
    return rows


async def _assert_parity(beers: Sequence[Recipe], client: httpx.AsyncClient, taken: Rows) -> int:
    frame, _ = clean([{**beer, "id": place} for place, beer in enumerate(beers)], (*rules(), *bill_rules()))
    for beer in frame["beer"]:
        request = request_of(beers[beer["id"]])  # as it was before cleaning
        answer = await client.post("/predict", json=request)
        if answer.status_code == 422:  # says which figures no beer has, and they may be left out
            wrong = {error["field"] for error in answer.json()["errors"]}
            assert wrong <= {"ebc", "srm", "ph"}
            answer = await client.post("/predict", json={k: v for k, v in request.items() if k not in wrong})
        assert answer.status_code == 200, answer.text
    expected = RECIPE.rows(frame)
    assert SERVED == RECIPE.name and taken[VITALS] == [] and len(taken[SERVED]) == len(expected)
    np.testing.assert_array_equal(np.array(taken[SERVED]), expected)
    return len(expected)


@pytest.mark.anyio
async def test_recipes_reach_the_model_as_training_made_them(
    dataset: RecipeDataset, client: httpx.AsyncClient, taken: Rows
) -> None:
    await _assert_parity(dataset.recipes, client, taken)


@pytest.mark.anyio
@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
async def test_the_real_recipes_reach_the_model_as_training_made_them(client: httpx.AsyncClient, taken: Rows) -> None:
    assert await _assert_parity(json.loads(SHARED.read_text("utf-8")), client, taken) == 256


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_every_real_recipe_with_its_gravities_is_answered(domain: BeerApi) -> None:
    requests = [request_of(beer) for beer in json.loads(SHARED.read_text("utf-8"))]
    stated = [request for request in requests if {"target_og", "target_fg"} <= request.keys()]
    answers = domain.predict_batch(Beers.model_validate({"beers": stated}))["predictions"]
    assert len(answers) >= 265 and all(answer["ibu"] >= 0 for answer in answers)


def _amount(value: float | None, unit: str = "grams") -> dict[str, Any]:
    return {"value": value, "unit": unit}


def test_a_request_states_what_the_recipe_states() -> None:
    hops = [
        {"name": "Saaz", "amount": _amount(0.02, "kilograms"), "add": "Dry Hop, at Day 8", "attribute": "aroma"},
        {"name": "Magnum", "amount": _amount(9), "add": "70", "attribute": "14% Alpha"},
        {"name": "Golden Honey", "amount": _amount(500), "add": "End"},
        {"name": "Oak Chips", "amount": _amount(None), "add": "Wood Ageing"},
        {"name": "Moon", "amount": _amount(5), "add": "when the geese fly"},
    ]
    malts = [{"name": "Pale", "amount": _amount(451, "kilograms")}, {"name": "Oats", "amount": _amount(90)}]
    beer: Any = {"abv": "5", "target_og": 1010, "target_fg": 1050, "ibu": 40, "ph": 6.5, "volume": _amount(25, "l")}
    assert request_of(cast(Recipe, {**beer, "ingredients": {"hops": hops, "malt": malts, "yeast": "US-05"}})) == {
        **{"abv": 5.0, "target_og": 1050.0, "target_fg": 1010.0, "ph": 6.5, "batch_volume_l": 25.0, "yeast": "US-05"},
        "hops": [
            {"name": "Saaz", "amount_g": 20.0, "stage": "dry_hop"},
            {"name": "Magnum", "amount_g": 9.0, "alpha_acid": 14.0, "boil_minutes": 70.0},
            {"name": "Golden Honey", "amount_g": 500.0, "stage": "end"},
            {"name": "Moon", "amount_g": 5.0, "stage": "end"},
        ],
        "malts": [{"name": "Pale", "amount_kg": 4.51}, {"name": "Oats", "amount_kg": 0.09}],
    }  # fmt: skip


def test_a_beer_without_a_bill_is_one_without_a_recipe() -> None:
    assert request_of({"abv": 5, "target_og": 1050, "target_fg": 1010, "ebc": None, "ingredients": {"hops": []}}) == {
        "abv": 5.0, "target_og": 1050.0, "target_fg": 1010.0
    }  # fmt: skip
