"""CORS: preflight requests and the headers of responses, by origin; a browser tries them in tests/live/test_cors.py."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from app.telemetry.logs import RequestLog
from tests.known import BEER, KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
SITE, OTHER = "https://brewery.example", "https://other.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}


@asynccontextmanager
async def client(
    manager: ModelManager, *origins: str, log: RequestLog | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key of a REST API that pages of these origins may call."""
    application = rest_application(manager, BeerApi(manager), log=log, cors_origins=origins)
    transport = httpx.ASGITransport(application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def cors_headers(answer: httpx.Response) -> dict[str, str]:
    """The headers of CORS in a response, without their common prefix."""
    prefix = "access-control-"
    return {name.removeprefix(prefix): value for name, value in answer.headers.items() if name.startswith(prefix)}


async def test_without_origins_nothing_changes(manager: ModelManager) -> None:
    async with client(manager) as calls:
        answers = [
            await calls.options("/predict", headers={"Origin": SITE, **PREFLIGHT}),
            await calls.get("/health/ready", headers={"Origin": SITE}),
        ]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert not any(cors_headers(answer) or "vary" in answer.headers for answer in answers)


@pytest.mark.parametrize("path", ["/predict", "/v2/models/beer-ibu/infer", "/nothing"])
async def test_a_preflight_request_is_answered_before_the_key(manager: ModelManager, path: str) -> None:
    async with client(manager, SITE) as calls:
        answer = await calls.options(path, headers={"Origin": SITE, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    headers = cors_headers(answer)
    assert headers["allow-origin"] == SITE and answer.headers["vary"] == "Origin"
    assert headers["allow-methods"] == "GET, HEAD, POST" and headers["max-age"] == "600"
    allowed = set(headers["allow-headers"].lower().split(", "))
    assert {"x-api-key", "content-type", "x-model-version", "x-request-id", "traceparent"} <= allowed
    assert "allow-credentials" not in headers


@pytest.mark.parametrize("origin", [OTHER, "null", "https://brewery.example.evil", "https://BREWERY.example", ""])
async def test_pages_of_other_origins_get_nothing(manager: ModelManager, origin: str) -> None:
    async with client(manager, SITE) as calls:
        preflight = await calls.options("/predict", headers={"Origin": origin, **PREFLIGHT})
        answer = await calls.get("/health/ready", headers={"Origin": origin})
    assert (preflight.status_code, answer.status_code) == (401, 200)
    for received in preflight, answer:
        assert not cors_headers(received)
        assert received.headers["vary"] == "Origin"


async def test_every_status_can_be_read(manager: ModelManager) -> None:
    async with client(manager, OTHER, SITE) as calls:
        calls.headers["Origin"] = SITE
        key = {"X-API-Key": KEY}
        answers = [
            await calls.post("/predict", json=BEER, headers=key),
            await calls.post("/predict", json=BEER),
            await calls.get("/nothing", headers=key),
            await calls.get("/predict", headers=key),
            await calls.post("/predict", content=b" " * 1_000_001, headers=key),
            await calls.post("/predict", content=b"x", headers={**key, "Content-Type": "text/plain"}),
            await calls.post("/predict", json={}, headers=key),
            await calls.get("/v2/models/nothing", headers=key),
            await calls.options("/predict"),
        ]
    assert [answer.status_code for answer in answers] == [200, 401, 404, 405, 413, 415, 422, 404, 401]
    for answer in answers:
        headers = cors_headers(answer)
        assert headers["allow-origin"] == SITE and answer.headers["vary"] == "Origin"
        assert {"X-Request-ID", "Retry-After", "RateLimit"} <= set(headers["expose-headers"].split(", "))


async def test_an_asterisk_allows_every_origin_without_naming_it(manager: ModelManager) -> None:
    async with client(manager, "*") as calls:
        preflight = await calls.options("/predict", headers={"Origin": "null", **PREFLIGHT})
        answer = await calls.get("/health/ready", headers={"Origin": SITE})
        plain = await calls.get("/health/ready")
    assert preflight.status_code == 204
    assert cors_headers(preflight)["allow-origin"] == cors_headers(answer)["allow-origin"] == "*"
    assert not cors_headers(plain)
    assert not any("vary" in received.headers for received in (preflight, answer, plain))


async def test_preflight_requests_are_logged(manager: ModelManager) -> None:
    stream = StringIO()
    async with client(manager, SITE, log=RequestLog(stream)) as calls:
        await calls.options("/predict", headers={"Origin": SITE, **PREFLIGHT})
    line = json.loads(stream.getvalue())
    assert (line["method"], line["route"], line["status"]) == ("OPTIONS", "/predict", 204)
