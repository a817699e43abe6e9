"""What a browser gets at paths without a page, and that programs get what they got before."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from tests.known import KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


@asynccontextmanager
async def client(
    manager: ModelManager, accept: str | None = CHROME, **options: object
) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key that accepts these media types."""
    transport = httpx.ASGITransport(rest_application(manager, BeerApi(manager), **options))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        del client.headers["Accept"]
        if accept is not None:
            client.headers["Accept"] = accept
        yield client


@pytest.mark.parametrize("accept", [CHROME, FIREFOX, "text/html", "text/*", "*/*;q=0.1, TEXT/HTML ; q=0.2"])
async def test_a_browser_is_led_from_the_root_to_the_documentation(manager: ModelManager, accept: str) -> None:
    async with client(manager, accept) as calls:
        for method in "GET", "HEAD":
            answer = await calls.request(method, "/")
            assert (answer.status_code, answer.headers["location"], answer.content) == (302, "docs", b"")
        assert (await calls.get("/", follow_redirects=True)).url.path == "/docs"
        assert (await calls.post("/")).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/", "/beer", "/beer/"])
async def test_under_a_prefix_the_address_of_the_documentation_has_it(manager: ModelManager, path: str) -> None:
    async with client(manager, root_path="/beer") as calls:
        assert (await calls.get(path)).headers["location"] == "/beer/docs"
        assert 'href="/beer/docs"' in (await calls.get("/beer/predict")).text


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "text/html;q=0.5, application/json",
        "text/html, application/json",
        "text/html, application/problem+json",
        "text/html;q=x",
        ";,=;q",
    ],
)
async def test_a_program_gets_the_same_problem_as_before(manager: ModelManager, accept: str | None) -> None:
    async with client(manager, accept) as calls:
        for path in "/", "/nothing", "/predict":
            answer = await calls.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
            assert "content-security-policy" not in answer.headers


async def test_a_browser_gets_a_page_with_the_same_status(manager: ModelManager) -> None:
    async with client(manager) as calls:
        answers = {path: await calls.get(path) for path in ("/predict", "/nothing<i>", "/metrics", "/v2/models/x")}
        key = {"X-API-Key": KEY}
        missing, wrong_method = [await calls.get(path, headers=key) for path in ("/nothing<i>", "/predict")]
    assert answers["/predict"].content == answers["/nothing<i>"].content  # it does not tell which paths exist
    for path, answer in answers.items():
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("ApiKey ")
        assert "<h1>401 Not authenticated</h1>" in answer.text and "X-API-Key" in answer.text
        link = re.search('<a href="(.*?)">', answer.text)
        assert link and str(httpx.URL(f"http://test{path}").join(link[1])) == "http://test/docs"
        assert "<i>" not in answer.text
    assert missing.status_code == 404 and "<h1>404 Not found</h1>" in missing.text and "<i>" not in missing.text
    assert wrong_method.status_code == 405 and "(<code>POST</code>)" in wrong_method.text
    assert wrong_method.headers["allow"] == "POST"
    for answer in (*answers.values(), missing, wrong_method):
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store" and "x-request-id" in answer.headers
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
        assert not re.search(r"<script|://", answer.text)


async def test_disabled_documentation_is_said_plainly(manager: ModelManager) -> None:
    async with client(manager, docs_enabled=False) as calls:
        for path in "/", "/docs":
            answer = await calls.get(path)
            assert answer.status_code == 401
            assert "switched off on this server (DOCS_ENABLED=false)" in answer.text and "<a" not in answer.text


async def test_a_missing_documentation_page_is_said_plainly(
    manager: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi_offline", None)
    async with client(manager) as calls:
        for path, status in (("/", 401), ("/docs", 404)):
            answer = await calls.get(path)
            assert answer.status_code == status and "not installed on this server" in answer.text
