"""``POST /recipes``: a recipe file as the body or in a form, and what is said of each of its recipes."""

import json

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from app.runtime.memory_budget import MemoryBudget
from tests.known import KEY
from tests.punk_recipes import BAD, GOOD
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio

CONTENTS = json.dumps([GOOD, BAD, GOOD]).encode()


async def test_each_recipe_is_answered_and_a_bad_one_hides_no_other(client: httpx.AsyncClient) -> None:
    answer = await client.post("/recipes", content=CONTENTS)
    assert answer.status_code == 200
    good, bad, again = answer.json()["recipes"]
    assert good.keys() == {"name", "stated_ibu", "beer", "prediction", "notes"}
    assert (good["name"], good["stated_ibu"]) == ("Best Bitter", 32.0)
    assert bad.keys() == {"name", "notes", "errors"}
    assert [(each["path"], each["code"]) for each in bad["errors"]] == [("/1/target_og", "missing")]
    assert again["prediction"] == good["prediction"]
    (note,) = good["notes"]
    assert note["path"].startswith("/0/ingredients/hops/0") and note["code"] == "alpha_typical"


async def test_the_beer_of_a_recipe_gets_the_same_prediction_from_predict(client: httpx.AsyncClient) -> None:
    (recipe,) = (await client.post("/recipes", content=json.dumps(GOOD))).json()["recipes"]
    assert (await client.post("/predict", json=recipe["beer"])).json() == recipe["prediction"]


async def test_a_file_is_read_as_the_body_of_any_likely_type_and_in_a_form(client: httpx.AsyncClient) -> None:
    expected = (await client.post("/recipes", content=CONTENTS)).json()
    kinds = ("application/json", "application/xml", "text/plain", "application/x-www-form-urlencoded", "")
    for kind in kinds:
        answer = await client.post("/recipes", content=CONTENTS, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()) == (200, expected), kind
    form = await client.post("/recipes", files={"file": ("any name.exe", CONTENTS, "image/png")})
    assert (form.status_code, form.json()) == (200, expected)
    assert (await client.post("/recipes", content=CONTENTS, headers={"Content-Type": "image/png"})).status_code == 415


async def test_explanations_are_given_if_the_query_asks_for_them(client: httpx.AsyncClient) -> None:
    for query, is_explained in (("explain=true", True), ("explain=1&other=x", True), ("explain=false", False)):
        good = (await client.post(f"/recipes?{query}", content=CONTENTS)).json()["recipes"][0]
        assert ("explanation" in good["prediction"]) is is_explained
        assert "explain" not in good["beer"]
    wrong = await client.post("/recipes?explain=perhaps", content=CONTENTS)
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == [{"field": "explain", "code": "bool_parsing", "reason": "must be true or false"}]


@pytest.mark.parametrize(
    "contents", [b"", b"secret", b"{", b"[]", b"[1]" + b"[" * 5000, b"<x>secret</x>", b"\xff\xfe<"]
)
async def test_what_is_no_recipe_file_is_a_problem_that_repeats_nothing(
    client: httpx.AsyncClient, contents: bytes
) -> None:
    answer = await client.post("/recipes", content=contents)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] in ("file", "/x") and error["reason"] and b"secret" not in answer.content


async def test_more_than_a_hundred_recipes_are_too_many(client: httpx.AsyncClient) -> None:
    assert len((await client.post("/recipes", content=json.dumps([BAD] * 100))).json()["recipes"]) == 100
    assert (await client.post("/recipes", content=json.dumps([BAD] * 101))).status_code == 422


async def test_a_version_answers_if_it_is_asked_for(client: httpx.AsyncClient, manager: ModelManager) -> None:
    version = manager.get("beer-ibu-recipe").manifest.version
    asked = await client.post("/recipes", content=CONTENTS, headers={"X-Model-Version": version})
    assert asked.json() == (await client.post("/recipes", content=CONTENTS)).json()
    assert (await client.post("/recipes", content=CONTENTS, headers={"X-Model-Version": "99"})).status_code == 404


async def test_reading_a_file_counts_in_the_memory_budget(manager: ModelManager, domain: BeerApi) -> None:
    budget = MemoryBudget(20_000_000)
    application = rest_application(manager, domain, memory_budget=budget)
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        large = await client.post("/recipes", content=b" " * 500_000 + CONTENTS)
        assert (large.status_code, large.json()["code"]) == (413, "too_complex")
        assert (await client.post("/recipes", content=CONTENTS)).status_code == 200
    assert budget.taken == 0


async def test_a_recipe_leaves_as_beerjson_and_comes_back_with_the_same_prediction(client: httpx.AsyncClient) -> None:
    (recipe,) = (await client.post("/recipes", content=json.dumps(GOOD))).json()["recipes"]
    answer = await client.post("/recipes/beerjson", json={"name": "Best Bitter", "beer": recipe["beer"]})
    assert answer.status_code == 200
    assert answer.json().keys() == {"document", "notes"}
    assert {"field": "hops.0.stage", "code": "stage_as_minutes"}.items() <= next(
        note.items() for note in answer.json()["notes"] if note["field"].startswith("hops.0.stage")
    )
    (again,) = (await client.post("/recipes", content=json.dumps(answer.json()["document"]))).json()["recipes"]
    ibu = recipe["prediction"]["ibu"]
    assert (again["name"], again["stated_ibu"], again["prediction"]["ibu"]) == ("Best Bitter", ibu, ibu)


async def test_what_cannot_be_written_names_the_field_of_the_request(client: httpx.AsyncClient) -> None:
    (recipe,) = (await client.post("/recipes", content=json.dumps(GOOD))).json()["recipes"]
    swapped = {**recipe["beer"], "target_og": 1.01, "target_fg": 1.05}
    for body, fields in (
        ({"beer": swapped}, ["beer.target_fg"]),
        ({"beer": swapped, "name": 1}, ["name", "beer.target_fg"]),
        ({"name": "x" * 201, "beer": recipe["beer"]}, ["name"]),
        ({"name": "no beer"}, ["beer"]),
    ):
        answer = await client.post("/recipes/beerjson", json=body)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == fields
    unknown = await client.post("/recipes/beerjson", json={"beer": recipe["beer"]}, headers={"X-Model-Version": "99"})
    assert unknown.status_code == 404
