"""``POST /solve`` and ``POST /solve/batch``: the weights of hops for a bitterness."""

from typing import Any

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.domains.beer.solving.schema import EXAMPLE_QUESTION, EXAMPLE_QUESTIONS, EXAMPLE_UNWEIGHED
from app.models.manager import ModelManager
from tests.known import KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio

HOPS = [{"name": "Magnum", "alpha_acid": 12.0, "boil_minutes": 60.0}]
QUESTION: dict[str, Any] = {"beer": {"target_og": 1.05, "target_fg": 1.01, "hops": HOPS}, "target": {"ibu": 40}}


def changed(**more: Any) -> dict[str, Any]:
    """The question with other fields of its beer or of its own."""
    own: dict[str, Any] = {
        key: more.pop(key) for key in ("target", "move", "by", "lower_g", "upper_g", "step_g", "x") if key in more
    }
    return {**QUESTION, "beer": {**QUESTION["beer"], **more}, **own}


async def test_predict_answers_the_hops_of_an_answer_with_its_prediction(client: httpx.AsyncClient) -> None:
    for question in EXAMPLE_QUESTION, EXAMPLE_UNWEIGHED, QUESTION:
        answer = await client.post("/solve", json=question)
        assert answer.status_code == 200
        solution = answer.json()
        beer = {**question["beer"], "hops": solution["hops"]}  # type: ignore[dict-item]
        assert (await client.post("/predict", json=beer)).json() == solution["prediction"]
        assert 0 < solution["ibu_per_gram"] < 5


async def test_a_batch_answers_each_question_as_if_it_were_alone(client: httpx.AsyncClient) -> None:
    questions = [*EXAMPLE_QUESTIONS["questions"], changed(target={"ibu": 900}), QUESTION]  # type: ignore[misc]
    answer = await client.post("/solve/batch", json={"questions": questions})
    assert answer.status_code == 200
    for question, found in zip(questions, answer.json()["answers"], strict=True):
        alone = await client.post("/solve", json=question)
        assert found == ({"solution": alone.json()} if alone.status_code == 200 else {"errors": alone.json()["errors"]})
    assert [[*each] for each in answer.json()["answers"]] == [["solution"], ["solution"], ["errors"], ["solution"]]
    assert (await client.post("/solve/batch", json={"questions": [QUESTION] * 101})).status_code == 422
    assert (await client.post("/solve/batch", json={"questions": []})).status_code == 422


@pytest.mark.parametrize(
    ("question", "errors"),
    [
        ({}, {"beer": "missing", "target": "missing"}),
        (changed(target={}), {"target": "one_target"}),
        (changed(target={"ibu": 40, "own_style": True}), {"target": "one_target"}),
        (changed(target={"ibu": "40"}), {"target.ibu": "float_type"}),
        (changed(by="guess"), {"by": "enum"}),
        (changed(move=[]), {"move": "too_short"}),
        (changed(move=[-1]), {"move.0": "greater_than_equal"}),
        (changed(x=1), {"x": "extra_forbidden"}),
        ({**changed(lower_g=1), "lower_oz": 1}, {"lower_g": "given_twice"}),
        (changed(hops=None), {"beer.hops": "list_type"}),
        (changed(hops=[]), {"beer.hops": "too_short"}),
        ({**QUESTION, "beer": {"hops": HOPS}}, {"beer.target_og": "missing", "beer.target_fg": "missing"}),
        (changed(ebc=-1, target_fg=1.06), {"beer.ebc": "greater_than_equal", "beer.target_fg": "gravities_swapped"}),
        (changed(hops=[{**HOPS[0], "amount_g": 1, "amount_oz": 1}]), {"beer.hops.0.amount_g": "given_twice"}),
        (changed(coverage=[0.123]), {"beer.coverage.0": "unknown_coverage"}),
        (changed(target={"ibu": 1000}), {"target.ibu": "out_of_reach"}),
        (changed(reference=[{"target_og": 1.0, "target_fg": 1.1, "ibu": 9}]), {
            "beer.reference.0.target_fg": "gravities_swapped"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_answered_is_a_problem_with_field_and_reason(
    client: httpx.AsyncClient, question: dict[str, Any], errors: dict[str, str]
) -> None:
    answer = await client.post("/solve", json=question)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    found = answer.json()["errors"]
    assert {each["field"]: each["code"] for each in found} == errors and all(each["reason"] for each in found)
    (batch,) = [await client.post("/solve/batch", json={"questions": [question]})]
    if batch.status_code == 422:
        assert {each["field"].removeprefix("questions.0.") for each in batch.json()["errors"]} == errors.keys()
    else:
        assert batch.json()["answers"] == [{"errors": found}]


async def test_extreme_questions_have_an_answer_or_a_problem(client: httpx.AsyncClient) -> None:
    strong = {"name": "x", "alpha_acid": 70.0, "amount_g": 1e7, "boil_minutes": 300.0}
    weak = {"name": "x", "alpha_acid": 0.0, "amount_g": 1e-300, "boil_minutes": 1e-9}
    for hops in [strong], [weak], [strong, weak], [weak] * 50:
        for volume in 1e-300, 0.001, 100_000.0:
            for target in {"ibu": 0}, {"ibu": 1000}, {"bu_gu": 20}, {"style": "21A"}:
                question = changed(hops=hops, batch_volume_l=volume, target=target)
                for more in {}, {"step_g": 0}, {"upper_g": 1e7, "step_g": 1e6}, {"upper_g": 0}, {"lower_g": 1e7}:
                    answer = await client.post("/solve", json={**question, **more})
                    assert answer.status_code in (200, 422), (hops, volume, target, more)


async def test_an_index_is_a_whole_number_in_any_notation(client: httpx.AsyncClient) -> None:
    answers = [(await client.post("/solve", json=changed(move=[index]))).json() for index in (0, 0.0, 0.5, True)]
    assert answers[0] == answers[1] and answers[0]["moved"] == [0]
    assert [answer["errors"][0]["code"] for answer in answers[2:]] == ["int_type", "int_type"]


async def test_a_version_answers_if_it_is_asked_for(client: httpx.AsyncClient, manager: ModelManager) -> None:
    version = manager.get("beer-ibu-recipe").manifest.version
    asked = await client.post("/solve", json=QUESTION, headers={"X-Model-Version": version})
    assert asked.json() == (await client.post("/solve", json=QUESTION)).json()
    assert (await client.post("/solve", json=QUESTION, headers={"X-Model-Version": "99"})).status_code == 404


async def test_it_needs_a_key(manager: ModelManager, domain: BeerApi) -> None:
    transport = httpx.ASGITransport(app=rest_application(manager, domain))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.post("/solve", json=QUESTION)).status_code == 401
        assert (await client.post("/solve", json=QUESTION, headers={"X-API-Key": KEY})).status_code == 200
