"""X-Model-Version: the requested version answers, or the response is 404 or 503."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.bundle.pointer import POINTER
from app.bundle.store import Bundle
from app.domains.beer.api import VITALS, BeerApi
from app.models.store import ModelStore
from app.runtime.onnx import OnnxPredictor
from app.runtime.thread_pool import BoundedThreadPool
from tests.bundles import copy_as_version, corrupt_golden_rows
from tests.known import BEER, KEY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
BODIES = {"/predict": BEER, "/predict/batch": {"beers": [BEER, BEER]}, "/explain": BEER}


@pytest.fixture
async def client(bundle: Bundle, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API whose model has the versions 1, 2 and a bad 3; 2 is active."""
    for version in 1, 2, 3:
        copy_as_version(bundle, tmp_path, version)
    corrupt_golden_rows(tmp_path / VITALS / "3")
    (tmp_path / VITALS / POINTER).write_text("2\n")
    manager = model_manager(BeerApi, store=ModelStore(tmp_path, OnnxPredictor))
    manager.activate(manager.load(VITALS, "2"))
    thread_pool = BoundedThreadPool()
    application = rest_application(manager, BeerApi(manager), thread_pool=thread_pool)
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client
    thread_pool.stop()


def versions(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    content = answer.json()
    return {prediction["model"]["version"] for prediction in content.get("predictions", [content])}


@pytest.mark.parametrize("path", BODIES)
async def test_the_requested_version_answers(client: httpx.AsyncClient, path: str) -> None:
    for headers, version in (({}, "2"), ({"X-Model-Version": "1"}, "1"), ({"x-model-version": "2"}, "2"), ({}, "2")):
        assert versions(await client.post(path, json=BODIES[path], headers=headers)) == {version}


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("version", ["9", "0", "01", "", "latest", "../1", "1;2", "\xb2", "9" * 4000])
async def test_an_unknown_version_is_404(client: httpx.AsyncClient, path: str, version: str) -> None:
    headers = [(b"X-Model-Version", version.encode("latin-1"))]
    answer = await client.post(path, json=BODIES[path], headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
    assert not version.strip("019") or version not in answer.text


async def test_a_bad_version_is_503(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json=BEER, headers={"X-Model-Version": "3"})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")


async def test_invalid_input_is_reported_before_an_unknown_version(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json={**BEER, "abv": 71}, headers={"X-Model-Version": "9"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "abv"


async def test_the_document_has_the_version_header_and_404(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path in BODIES:
        operation = document["paths"][path]["post"]
        (header,) = [p for p in operation["parameters"] if p["in"] == "header"]
        assert (header["name"], header["required"]) == ("X-Model-Version", False)
        assert "404" in operation["responses"]
