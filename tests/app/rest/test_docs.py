"""The page /docs and the OpenAPI document: complete, local and correct."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from tests.known import KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio


@pytest.fixture
async def document(client: httpx.AsyncClient) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = (await client.get("/openapi.json", headers={"X-API-Key": ""})).json()
    return found


async def test_the_page_and_its_files_are_local_and_need_no_key(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs", headers={"X-API-Key": ""})
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    assets = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(assets) == 5
    for asset in set(assets) - {"data:,", "."}:
        answer = await client.get(f"/{asset}", headers={"X-API-Key": ""})
        assert answer.status_code == 200 and len(answer.content) > 50, asset
        kind = "text/css" if asset.endswith(".css") else "javascript"
        assert kind in answer.headers["content-type"]
    ours = (await client.get("/docs/assets/docs.js")).text
    assert "://" not in ours and "openapi.json" in ours


async def test_the_page_leads_to_the_page_for_brewers_where_there_is_one(manager: ModelManager, tmp_path: Path) -> None:
    for folder, number in (None, 0), (tmp_path, 1):
        application = rest_application(manager, BeerApi(manager), page_folder=folder)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
            text = (await client.get("/docs")).text
            assert re.findall('<a href="(.*?)">', text) == ["."] * number and text.count("<nav>") == number


async def test_the_page_may_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:|\*|unsafe-eval", policy)


@pytest.mark.parametrize("path", ["/docs/assets/../docs.html", "/docs/assets/%2e%2e/docs.html", "/docs/assets/x"])
async def test_only_the_files_of_the_page_are_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("ranges", ["bytes=0-9", "bytes=oops", "bytes=999999999-", "lines=1"])
async def test_a_range_request_for_the_page_is_answered(client: httpx.AsyncClient, ranges: str) -> None:
    answer = await client.get("/docs", headers={"Range": ranges})
    assert answer.status_code in (200, 206, 400, 416)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/docs", "/docs/assets/docs.js", "/openapi.json"])
async def test_disabled_docs_are_not_found(manager: ModelManager, path: str) -> None:
    application = rest_application(manager, BeerApi(manager), docs_enabled=False)
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"X-API-Key": KEY})).status_code == 404
        assert (await client.get("/health/ready")).status_code == 200


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _references(item)


async def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    kinds = ("schemas", "headers")
    components = {f"#/components/{kind}/{name}" for kind in kinds for name in document["components"][kind]}
    assert set(_references(document)) <= components
    operations = [o for methods in document["paths"].values() for o in methods.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)


async def test_the_document_has_the_key_and_the_errors_of_each_route(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["ApiKey"] == {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if path.startswith(("/health/", "/v2/health/")):
                assert "security" not in operation
                continue
            assert operation["security"] == [{"ApiKey": []}]
            refusals = {status for status in operation["responses"] if status >= "400"}
            assert {"401", "403", "429", "503"} <= refusals
            is_v2 = path.startswith("/v2")
            assert "422" in refusals or path in ("/metrics", "/varieties", "/styles") or is_v2
            for status in refusals:
                is_oip_error = is_v2 and status != "408"  # the server sends it before it knows the path
                media = "application/json" if is_oip_error else "application/problem+json"
                assert operation["responses"][status]["content"].keys() == {media}
            if "requestBody" in operation:
                assert {"408", "504"} <= refusals


async def test_fields_have_units_ranges_and_an_example(document: dict[str, Any]) -> None:
    beer = document["components"]["schemas"]["Beer"]
    fields = beer["properties"]
    assert beer["additionalProperties"] is False
    for name in "target_og", "target_fg":  # one of two fields, which `required` cannot say
        assert f"required, here or as `{name}_plato`" in fields[name]["description"]
    assert all(fields[name]["description"] for name in ("abv", "target_og", "target_fg", "ebc", "srm", "ph"))
    assert fields["abv"]["unit"] == "% vol"
    for name, low, high in ("abv", 0, 70), ("ebc", 0, 1000), ("srm", 0, 600), ("ph", 2.5, 7):
        number, null = fields[name]["anyOf"]
        assert (number["minimum"], number["maximum"], null["type"]) == (low, high, "null")
    for name in "target_og", "target_fg":
        gravity = Draft202012Validator(fields[name])
        assert all(map(gravity.is_valid, (900, 1056.0, 1300, 0.9, 1.056, 1.3)))
        assert not any(map(gravity.is_valid, (899, 1301, 0.89, 1.31, 105.6, "1056", None)))
    assert document["components"]["schemas"]["Beers"]["properties"]["beers"]["maxItems"] == 1000


async def test_the_examples_of_the_document_are_valid_and_answered(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    schemas = document["components"]["schemas"]
    whole = {"$defs": schemas, "components": {"schemas": schemas}}
    for example in schemas["Beer"]["examples"]:
        answer = await client.post("/predict", json=example)
        assert answer.status_code == 200
        Draft202012Validator({**whole, "$ref": "#/components/schemas/Prediction"}).validate(answer.json())
    for example in schemas["Prediction"]["examples"]:
        Draft202012Validator({**whole, "$ref": "#/components/schemas/Prediction"}).validate(example)
        assert example["interval"]["lower"] <= example["ibu"] <= example["interval"]["upper"]


async def test_without_the_package_of_the_page_the_rest_is_served(
    manager: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi_offline", None)
    application = rest_application(manager, BeerApi(manager))
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/docs")).status_code == 404
        assert (await client.get("/openapi.json")).status_code == 200


async def test_every_response_has_the_headers_of_the_middleware(document: dict[str, Any]) -> None:
    predict = document["paths"]["/predict"]["post"]["responses"]
    assert predict["200"]["headers"].keys() == {"X-Request-ID", "RateLimit", "RateLimit-Policy"}
    assert all("Retry-After" in predict[status]["headers"] for status in ("429", "503"))
    assert document["paths"]["/health/live"]["get"]["responses"]["200"]["headers"].keys() == {"X-Request-ID"}
