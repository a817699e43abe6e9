"""Metrics of requests: labels are bounded, problems are counted, and no request stays in progress."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Message, Scope

from app.domains.beer.api import VITALS, BeerApi
from app.rest.application import RestApplication
from app.runtime.onnx import OnnxPredictor
from app.telemetry.exposition import CONTENT_TYPE
from tests.known import BEER, KEY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio


@pytest.fixture
def fresh(predictor: OnnxPredictor) -> RestApplication:
    """A REST API that has counted nothing yet."""
    manager = model_manager(BeerApi, names=[VITALS])
    manager.add(predictor)
    return rest_application(manager, BeerApi(manager))


@pytest.fixture
async def caller(fresh: RestApplication) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key."""
    transport = httpx.ASGITransport(app=fresh)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client


async def _requests(caller: httpx.AsyncClient) -> dict[str, float]:
    answer = await caller.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    samples = (x.rsplit(" ", 1) for x in answer.text.splitlines() if x.startswith("http_requests"))
    return {name: float(value) for name, value in samples}


async def test_requests_are_counted_by_route_method_and_status(caller: httpx.AsyncClient) -> None:
    assert (await caller.post("/predict", json=BEER)).status_code == 200
    assert (await caller.post("/predict", json={})).status_code == 422
    assert (await caller.get("/predict")).status_code == 405
    assert (await caller.post("/predict", headers={"X-API-Key": "wrong"})).status_code == 401
    assert (await caller.get("/model")).status_code == 200
    counted = await _requests(caller)
    assert counted['http_requests_total{route="/predict",method="POST",status="200"}'] == 1
    assert counted['http_requests_total{route="/predict",method="POST",status="422"}'] == 1
    assert counted['http_requests_total{route="/predict",method="GET",status="405"}'] == 1
    assert counted['http_requests_total{route="/predict",method="POST",status="401"}'] == 1
    assert counted['http_requests_total{route="/model",method="GET",status="200"}'] == 1
    assert counted["http_requests_in_progress"] == 1  # the one that asks


async def test_each_problem_is_counted_by_its_code(caller: httpx.AsyncClient) -> None:
    codes = []
    for answer in (
        await caller.post("/predict", json={}),
        await caller.post("/predict", content=b"x", headers={"Content-Type": "text/xml"}),
        await caller.post("/predict", content=b"x" * 1_000_001),
        await caller.get("/nowhere"),
        await caller.get("/predict"),
        await caller.get("/model", params={"name": "x"}),
        await caller.get("/model", params={"name": "x" * 65}),
        await caller.get("/model", headers={"X-API-Key": ""}),
    ):
        codes.append(answer.json()["code"])
    counted = await _requests(caller)
    for code in set(codes):
        assert counted[f'http_requests_refused_total{{reason="{code}"}}'] == codes.count(code)


async def test_made_up_methods_and_paths_create_no_series(caller: httpx.AsyncClient, fresh: RestApplication) -> None:
    for number in range(50):
        for key in KEY, "wrong":
            await caller.request(f"BREW{number}", f"/nowhere/{number}", headers={"X-API-Key": key})
    counted = [name for name in await _requests(caller) if name.startswith("http_requests_total")]
    assert sorted(counted) == [
        'http_requests_total{route="unmatched",method="other",status="401"}',
        'http_requests_total{route="unmatched",method="other",status="404"}',
    ]
    assert len(fresh._metrics._series) < 5


async def test_a_client_that_disconnects_is_counted_and_no_longer_in_progress(
    caller: httpx.AsyncClient, fresh: RestApplication
) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [(b"x-api-key", KEY.encode())]}
    await fresh(scope, receive, send)
    counted = await _requests(caller)
    assert counted['http_requests_total{route="/predict",method="POST",status="499"}'] == 1
    assert counted["http_requests_in_progress"] == 1


async def test_the_code_of_a_problem_is_not_passed_to_the_server(fresh: RestApplication) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await fresh({"type": "http", "method": "GET", "path": "/model", "headers": []}, receive, send)
    assert sent[0].keys() == {"type", "status", "headers"}
