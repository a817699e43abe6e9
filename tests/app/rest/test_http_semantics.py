"""What HTTP promises beyond the routes: HEAD, a slash at a path's end, blanks around values, compressed bodies."""

import gzip
import json
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from app.rest.application import RestApplication
from tests.known import BEER, KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio


@pytest.fixture
def application(manager: ModelManager, domain: BeerApi) -> RestApplication:
    """The REST API with every route that is answered to GET."""
    return rest_application(manager, domain, security_contact="mailto:a@b.example")


@pytest.fixture
async def stranger(application: RestApplication) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, which follows no redirect."""
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def _paths(application: RestApplication, method: str) -> list[str]:
    routes = [route for route in application.router.routes if method in getattr(route, "methods", ())]
    filled = [getattr(route, "path", "").replace("{model}", "beer-ibu").replace("{version}", "1") for route in routes]
    return [path for path in filled if not path.startswith("/v2/repository")]


async def test_head_gets_the_headers_of_get_and_no_body(
    client: httpx.AsyncClient, application: RestApplication
) -> None:
    paths = _paths(application, "GET")
    assert {"/health/live", "/metrics", "/docs", "/openapi.json", "/v2", "/v2/models/beer-ibu", "/model"} <= set(paths)
    for path in [*paths, "/nowhere", "/v2/nowhere"]:
        get, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        assert head.headers.keys() == get.headers.keys(), path
        if path != "/metrics":  # which has counted the call in between
            same = get.headers.keys() - {"x-request-id"}
            assert {name: head.headers[name] for name in same} == {name: get.headers[name] for name in same}, path


async def test_head_needs_the_key_that_get_needs(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.head("/model")
    assert (answer.status_code, answer.content) == (401, b"") and "www-authenticate" in answer.headers
    assert (await stranger.head("/health/ready")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("HEAD", "/predict", "POST"),
        ("GET", "/predict", "POST"),
        ("POST", "/model", "GET, HEAD"),
        ("DELETE", "/health/live", "GET, HEAD"),
        ("PUT", "/v2", "GET, HEAD"),
        ("HEAD", "/v2/repository/index", "POST"),
    ],
)
async def test_a_rejected_method_is_told_the_others(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_a_slash_at_the_end_is_redirected_to_the_path_without(
    client: httpx.AsyncClient, application: RestApplication
) -> None:
    for path in [*_paths(application, "GET"), *_paths(application, "POST")]:
        if path in ("/v2", "/v2/"):  # both are in the protocol
            assert (await client.get("/v2/")).status_code == 200
            continue
        answer = await client.post(f"{path}/", json=BEER)
        assert answer.status_code == 308, path
        assert urljoin(f"http://proxy/prefix{path}/", answer.headers["location"]) == f"http://proxy/prefix{path}"
    assert (await client.post("/predict/", json=BEER)).json()["code"] == "trailing_slash"
    assert "no slash" in (await client.get("/v2/models/beer-ibu/")).json()["error"]
    followed = await client.post("/predict/", json=BEER, follow_redirects=True)
    assert (followed.status_code, followed.json()["model"]["name"]) == (200, "beer-ibu")
    named = await client.get("/model/?name=beer-ibu", follow_redirects=True)
    assert (named.status_code, str(named.url)) == (200, "http://test/model?name=beer-ibu")


async def test_a_redirect_needs_the_key_that_its_path_needs(stranger: httpx.AsyncClient) -> None:
    for path in ("/docs/", "/health/live/", "/v2/health/ready/", "/openapi.json/", "/.well-known/security.txt/"):
        assert (await stranger.get(path)).status_code == 308, path
    for path in ("/predict/", "/metrics/", "/v2/models/beer-ibu/", "/v2/repository/models/beer-ibu/unload/"):
        assert (await stranger.post(path)).status_code == 401, path


@pytest.mark.parametrize(
    "path",
    ["/nowhere/", "/predict//", "//predict", "/v2/models/a b/", "/v2/models/.b/", "/model/?name=%22%3Cb%3E'", "/v2//"],
)
async def test_no_redirect_leads_to_an_unknown_path_or_repeats_unusual_input(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(httpx.URL("http://test").copy_with(raw_path=path.encode()))
    assert answer.status_code == 404 and "location" not in answer.headers


@pytest.mark.parametrize("written", [f"{KEY} ", f" {KEY}", f"\t {KEY} \t"])
async def test_blanks_around_the_key_are_not_part_of_it(stranger: httpx.AsyncClient, written: str) -> None:
    assert (await stranger.post("/predict", json=BEER, headers={"X-API-Key": written})).status_code == 200
    inside = f"{KEY[:5]} {KEY[5:]}"
    assert (await stranger.post("/predict", json=BEER, headers={"X-API-Key": inside})).status_code == 401


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "gzip, deflate"])
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/v2/repository/index"])
async def test_a_compressed_body_is_told_that_it_must_not_be(
    client: httpx.AsyncClient, path: str, encoding: str
) -> None:
    packed = gzip.compress(json.dumps(BEER).encode())
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    answer = await client.post(path, content=packed, headers=headers)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert "Content-Encoding" in answer.text and "Content-Type" not in answer.text


async def test_an_unknown_coding_is_told_the_known_ones(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/models/beer-ibu/infer", content=b"x", headers={"Content-Encoding": "br"})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, deflate")
    wrong_type = await client.post("/predict", content=b"x", headers={"Content-Type": "text/csv"})
    assert wrong_type.status_code == 415 and "accept-encoding" not in wrong_type.headers
