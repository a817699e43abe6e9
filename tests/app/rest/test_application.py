"""The REST API in this process: answers, errors, health, model descriptions and unexpected exceptions."""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from app.bundle.store import Bundle
from app.domains.api import Operation
from app.domains.beer.api import BeerApi
from app.domains.beer.schema import EXAMPLE_BEER
from app.errors import ModelNotFound, ModelNotReady
from app.lifecycle import Lifecycle
from app.models.manager import ModelManager
from app.rest.access_log import AccessLogMiddleware
from app.rest.application import RestApplication
from app.rest.request_metrics import RequestMetrics
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry
from tests.known import BEER, KEY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
HEADERS = {"X-API-Key": KEY}
SECRET = "the traceback's secret"


class Order(BaseModel):
    """An empty request."""


class LoadedModel(TypedDict):
    """An answer that is never sent."""

    done: bool


class FailingApi:
    """A domain API whose only operation raises a given exception."""

    models: Sequence[str] = ()
    listings: Sequence[Any] = ()

    def __init__(self, error: Exception) -> None:
        self._error = error

    def _fail(self, order: Order) -> LoadedModel:
        raise self._error

    @property
    def operations(self) -> Sequence[Operation[Any, Any]]:
        return [
            Operation(
                name="fail",
                path="/fail",
                summary="Fail",
                description="Fails.",
                request=Order,
                answer=LoadedModel,
                answered="Never",
                run=self._fail,
            )
        ]


class FailingManager(ModelManager):
    """A model manager that fails unexpectedly."""

    def get(self, name: str, version: str | None = None) -> LoadedModel:
        raise RuntimeError(SECRET)


async def ask(
    application: Any, method: str, path: str, headers: Mapping[str, str] = HEADERS, **more: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        return await client.request(method, path, **more)


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert (content["status"], content["code"]) == (status, code)
    return content


async def test_a_prediction_has_the_documented_shape(client: httpx.AsyncClient, bundle: Bundle) -> None:
    answer = await client.post("/predict", json=BEER)
    assert answer.status_code == 200
    content = answer.json()
    assert content.keys() == {"ibu", "interval", "model", "warnings", "bu_gu"}
    assert content["interval"].keys() == {"lower", "upper", "coverage"}
    assert content["interval"]["coverage"] == bundle.manifest.coverage
    assert content["model"] == {"name": "beer-ibu", "version": bundle.manifest.version}


async def test_warnings_reach_the_caller(client: httpx.AsyncClient) -> None:
    content = (await client.post("/predict", json={**BEER, "abv": 50, "srm": 300, "ph": 2.5})).json()
    assert {"abv_mismatch", "colour_mismatch", "outside_trained_range"} == {w["code"] for w in content["warnings"]}
    assert all(w.keys() == {"code", "message", "field"} for w in content["warnings"])


async def test_a_batch_answers_each_beer_as_if_alone_and_in_order(client: httpx.AsyncClient) -> None:
    beers = [{**BEER, "abv": 4 + i / 10, "ph": None if i % 2 else 4.1} for i in range(50)]
    together = (await client.post("/predict/batch", json={"beers": beers})).json()
    assert together == {"predictions": [(await client.post("/predict", json=beer)).json() for beer in beers]}


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_of_no_beer_or_of_1001_is_rejected(client: httpx.AsyncClient, count: int) -> None:
    content = is_problem(await client.post("/predict/batch", json={"beers": [BEER] * count}), 422, "invalid_input")
    assert [error["field"] for error in content["errors"]] == ["beers"]
    assert (await client.post("/predict/batch", json={"beers": [BEER] * 1000})).status_code == 200


async def test_an_invalid_beer_rejects_the_batch_and_is_named_by_its_index(client: httpx.AsyncClient) -> None:
    beers = [BEER, BEER, {**BEER, "abv": 71}, {**BEER, "target_og": 1010, "target_fg": 1050}]
    content = is_problem(await client.post("/predict/batch", json={"beers": beers}), 422, "invalid_input")
    assert [error["field"] for error in content["errors"]] == ["beers.2.abv", "beers.3.target_fg"]
    del beers[2]
    content = is_problem(await client.post("/predict/batch", json={"beers": beers}), 422, "invalid_input")
    assert [(error["field"], error["code"]) for error in content["errors"]] == [
        ("beers.2.target_fg", "gravities_swapped")
    ]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({**BEER, "abv": 71}, "abv", "must be less than or equal to 70"),
        ({**BEER, "abv": "5"}, "abv", "must be a number"),
        ({**BEER, "abv": True}, "abv", "must be a number"),
        ({**BEER, "ph": 1}, "ph", "must be greater than or equal to 2.5"),
        ({**BEER, "target_og": 56}, "target_og", "900 to 1300 points, or 0.900 to 1.300 specific gravity"),
        ({**BEER, "ibu": 40}, "ibu", "is not a field of this request"),
        ({k: v for k, v in BEER.items() if k != "target_og"}, "target_og", "is required"),
        ({**BEER, "target_og": 1.010, "target_fg": 1050}, "target_fg", "above the original gravity"),
    ],
)
async def test_each_problem_has_its_field_and_a_reason(
    client: httpx.AsyncClient, body: dict[str, Any], field: str, reason: str
) -> None:
    content = is_problem(await client.post("/predict", json=body), 422, "invalid_input")
    (error,) = content["errors"]
    assert error["field"] == field and reason in error["reason"]


async def test_invalid_json_is_reported_with_its_position(client: httpx.AsyncClient) -> None:
    content = is_problem(await client.post("/predict", content=b'{\n "abv": oops}'), 422, "invalid_input")
    (error,) = content["errors"]
    assert (error["field"], error["code"]) == ("body", "json_invalid")
    assert error["reason"] == "is not valid JSON (at line 2 column 9)"


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize("what", ["good", "bad", "wrong type", "too large"])
async def test_the_table_and_the_router_answer_the_same_bytes(
    application: RestApplication, path: str, what: str
) -> None:
    good = {"/predict": BEER, "/predict/batch": {"beers": [BEER, {**BEER, "abv": 7}]}}[path]
    body = {"bad": b'{"abv": 99, "x": 1}', "too large": b" " * 8_000_001}.get(what, json.dumps(good).encode())
    kind = {"Content-Type": "text/plain" if what == "wrong type" else "application/json"}

    async def through_the_router(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})
        await application.router(scope, receive, send)

    direct = await ask(application, "POST", path, {**HEADERS, **kind}, content=body)
    routed = await ask(through_the_router, "POST", path, kind, content=body)
    assert (direct.status_code, direct.content) == (routed.status_code, routed.content)
    added = {"x-request-id", "cache-control", "x-content-type-options"}
    assert {k: v for k, v in direct.headers.items() if k not in added} == dict(routed.headers)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v2", None),
        ("GET", "/v2/models/beer-ibu", None),
        ("GET", "/v2/models/beer-ibu/versions/9", None),
        ("POST", "/v2/models/beer-ibu/infer", {"inputs": []}),
        ("POST", "/v2/repository/index", None),
    ],
)
async def test_the_router_alone_answers_the_open_protocol(
    application: RestApplication, method: str, path: str, body: dict[str, object] | None
) -> None:
    async def router(scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})
        await application.router(scope, receive, send)

    direct, routed = await ask(application, method, path, json=body), await ask(router, method, path, json=body)
    assert (direct.status_code, direct.content) == (routed.status_code, routed.content)


async def test_the_model_is_described(client: httpx.AsyncClient, bundle: Bundle) -> None:
    content = (await client.get("/model")).json()
    assert (content["name"], content["version"]) == ("beer-ibu", bundle.manifest.version)
    assert [i["name"] for i in content["inputs"]] == ["abv", "target_og", "target_fg", "ebc", "srm", "ph"]
    assert [i["optional"] for i in content["inputs"]] == [False] * 3 + [True] * 3
    assert [o["name"] for o in content["outputs"]][:3] == ["ibu", "lower", "upper"]
    assert {"metrics", "training_data", "libraries", "coverage"} <= content.keys()
    assert not {"golden", "parameters", "explanation"} & content.keys()
    assert (await client.get("/model", params={"name": "beer-ibu"})).json() == content


async def test_the_recipe_model_is_described_with_coverage_by_band(client: httpx.AsyncClient) -> None:
    content = (await client.get("/model", params={"name": "beer-ibu-recipe"})).json()
    assert content["name"] == "beer-ibu-recipe"
    bands = content["metrics"]["values"]["bands"]
    assert len(bands) >= 4 and all(0 < band["coverage"] <= 1 for band in bands)


async def test_an_unknown_model_is_not_found(client: httpx.AsyncClient) -> None:
    content = is_problem(await client.get("/model", params={"name": "wine<script>"}), 404, "model_not_found")
    assert "wine" not in json.dumps(content)
    content = is_problem(await client.get("/model", params={"name": "x" * 65}), 422, "invalid_input")
    (error,) = content["errors"]
    assert (error["field"], error["code"]) == ("query.name", "string_too_long")


async def test_before_a_model_is_loaded_the_api_is_live_and_not_ready() -> None:
    manager = model_manager(BeerApi)
    application = rest_application(manager, BeerApi(manager))
    assert (await ask(application, "GET", "/health/live", {})).json() == {"status": "live"}
    for method, path, body in (
        ("GET", "/health/ready", None),
        ("GET", "/model", None),
        ("POST", "/predict", BEER),
        ("POST", "/predict/batch", {"beers": [BEER]}),
    ):
        is_problem(await ask(application, method, path, json=body), 503, "not_ready")


async def test_once_the_model_is_loaded_the_api_is_ready(manager: ModelManager) -> None:
    application = rest_application(manager, BeerApi(manager))
    assert (await ask(application, "GET", "/health/ready", {})).json() == {"status": "ready"}


@pytest.mark.parametrize(("error", "status"), [(ModelNotFound(), 404), (ModelNotReady(), 503)])
async def test_each_call_error_becomes_its_problem(manager: ModelManager, error: Exception, status: int) -> None:
    answer = await ask(rest_application(manager, FailingApi(error)), "POST", "/fail", json={})
    assert answer.status_code == answer.json()["status"] == status


@pytest.mark.parametrize("path", ["/fail", "/model"])
async def test_an_unexpected_exception_is_a_500_without_details(path: str, caplog: pytest.LogCaptureFixture) -> None:
    lines = StringIO()
    application = rest_application(
        FailingManager(["beer-ibu"]), FailingApi(RuntimeError(SECRET)), log=RequestLog(lines)
    )
    method = "POST" if path == "/fail" else "GET"
    answer = await ask(application, method, path, json={} if method == "POST" else None)
    is_problem(answer, 500, "internal_error")
    assert "Traceback" not in answer.text and SECRET not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    line = json.loads(lines.getvalue())
    assert (line["status"], line["route"]) == (500, path)
    (record,) = [r for r in caplog.records if r.exc_info]
    assert line["request_id"] in record.getMessage() and answer.headers["x-request-id"] == line["request_id"]
    assert SECRET in str(record.exc_info and record.exc_info[1])


async def test_an_exception_after_the_response_began_ends_it_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def begins(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    lines = StringIO()
    sent: list[Any] = []

    async def collect(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await AccessLogMiddleware(begins, RequestLog(lines), RequestMetrics(Registry()))(scope, collect, collect)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert json.loads(lines.getvalue())["status"] == 200
    assert any(r.exc_info for r in caplog.records)


async def test_the_routes_of_a_domain_require_the_key(manager: ModelManager) -> None:
    application = rest_application(manager, FailingApi(ModelNotReady()))
    assert (await ask(application, "POST", "/fail", {}, json={})).status_code == 401
    document = (await ask(application, "GET", "/openapi.json", {})).json()
    assert document["paths"]["/fail"]["post"]["security"] == [{"ApiKey": []}]
    assert "/predict" not in document["paths"]


async def test_the_documented_example_is_answered(client: httpx.AsyncClient) -> None:
    assert (await client.post("/predict", json=EXAMPLE_BEER)).json()["warnings"] == []


@pytest.mark.parametrize("sent", ["abc", "A.b_c-9", "x" * 128])
async def test_a_valid_request_id_is_kept(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/health/live", headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == sent


async def test_websockets_are_rejected(application: RestApplication) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await application({"type": "websocket", "path": "/predict", "headers": [], "subprotocols": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_the_asgi_lifespan_starts_and_stops_the_background(manager: ModelManager) -> None:
    events: list[str] = []

    class Background:
        def start(self) -> None:
            events.append("start")

        def stop(self) -> None:
            events.append("stop")

    application = rest_application(manager, lifecycle=Lifecycle(components=[Background()]))
    received = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        events.append(message["type"])

    await application({"type": "lifespan"}, receive, send)
    assert events == ["start", "lifespan.startup.complete", "stop", "lifespan.shutdown.complete"]
