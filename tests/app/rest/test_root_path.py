"""A path prefix: the routes, their access and the documentation under it, whether a proxy removes it or not."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.errors import SettingsError
from app.models.manager import ModelManager
from app.telemetry.logs import RequestLog
from tests.known import BEER, KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client(manager: ModelManager, mounted: str = "", **options: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a REST API; `mounted` is the prefix that the ASGI server tells."""
    application = rest_application(manager, BeerApi(manager), **options)
    transport = httpx.ASGITransport(application, root_path=mounted)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("sent", ["/beer", ""], ids=["kept", "removed"])
@pytest.mark.parametrize("where", ["setting", "ASGI scope", "ASGI scope with a slash"])
async def test_routes_and_access_are_the_same_under_a_prefix(manager: ModelManager, where: str, sent: str) -> None:
    options = {"setting": {"root_path": "/beer"}, "ASGI scope": {"mounted": "/beer"}}.get(where, {"mounted": "/beer/"})
    async with client(manager, **options) as calls:  # type: ignore[arg-type]
        for path in "/health/ready", "/v2/health/ready", "/docs", "/docs/assets/docs.js":
            assert (await calls.get(sent + path)).status_code == 200, path
        assert (await calls.get("/beer")).status_code == 401
        for path in "/model", "/metrics", "/v2", "/v2/models/beer-ibu", "/nothing":
            assert (await calls.get(sent + path)).status_code == 401, path
        calls.headers["X-API-Key"] = KEY
        for path in "/model", "/v2", "/v2/", "/v2/models/beer-ibu":
            assert (await calls.get(sent + path)).status_code == 200, path
        assert (await calls.post(f"{sent}/predict", json=BEER)).status_code == 200
        for path in "/beer", "/beer/nothing", "/beer/beer/predict", "/beers/predict", "/beer/beer/v2":
            assert (await calls.get(path)).status_code == 404, path
        document = (await calls.get(f"{sent}/openapi.json")).json()
        assert document["servers"] == [{"url": "/beer"}]
        assert "/predict" in document["paths"]


async def test_without_a_prefix_the_document_names_no_server(manager: ModelManager) -> None:
    async with client(manager) as calls:
        assert "servers" not in (await calls.get("/openapi.json")).json()
        assert (await calls.post("/beer/predict", json=BEER)).status_code == 401


async def test_log_and_metrics_name_the_route_without_the_prefix(manager: ModelManager) -> None:
    stream = StringIO()
    async with client(manager, root_path="/beer", log=RequestLog(stream)) as calls:
        for path in "/beer/predict", "/predict":
            await calls.post(path, json=BEER, headers={"X-API-Key": KEY})
    assert [json.loads(line)["route"] for line in stream.getvalue().splitlines()] == ["/predict"] * 2


@pytest.mark.parametrize("prefix", ["/v2", "/predict", "/v2/models", "/health", "/docs"])
def test_a_prefix_that_is_a_route_is_refused(manager: ModelManager, prefix: str) -> None:
    with pytest.raises(SettingsError, match="^ROOT_PATH: must not begin as a route"):
        rest_application(manager, BeerApi(manager), root_path=prefix)
