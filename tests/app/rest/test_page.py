"""The brewer's page: what browsers get at ``/``, its files by version, and that nothing else changes."""

import gzip
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import httpx
import pytest

from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from app.rest.page import without_comments
from app.telemetry.logs import RequestLog
from tests.known import KEY, REPOSITORY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"}
INDEX = (
    '<!doctype html><title>Beer</title><link rel="stylesheet" href="page/style.css">'
    '<link rel="modulepreload" href="page/js/main.js"><script type="module" src="page/js/main.js"></script>'
    '<a href="docs">API</a> page/ <i title="page/x">'
)
FILES = {
    "style.css": "p { color: red }\n" * 50,
    "js/main.js": 'import "./other.js";\n',
    "js/other.js": "let größer = 1; // brewing\n" * 5000,
    "worker.js": "self.skipWaiting();\n",
    "icon.svg": "<svg/>",
    "api.d.ts": "secret",
    "tsconfig.json": "secret",
}
SUFFIXES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small page."""
    for name, text in {"index.html": INDEX, **FILES}.items():
        path = tmp_path / "page" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path / "page"


@asynccontextmanager
async def client(manager: ModelManager, folder: Path | None, **options: object) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a key."""
    log = options.pop("log", None)
    application = rest_application(manager, BeerApi(manager), log=log, page_folder=folder, **options)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://test", headers=BROWSER
    ) as client:
        yield client


def version_of(html: str) -> str:
    """The version that an index names, and the only one."""
    found = set(re.findall(r'(?:href|src)="/?(?:beer/)?page/([0-9a-f]+)/', html))
    assert len(found) == 1
    return found.pop()


async def test_a_browser_gets_the_page_and_every_file_that_it_names(manager: ModelManager, folder: Path) -> None:
    async with client(manager, folder) as calls:
        index = await calls.get("/")
        assert (index.status_code, index.headers["content-type"]) == (200, "text/html; charset=utf-8")
        version = version_of(index.text)
        assert index.text == re.sub('(href|src)="page/', rf'\1="page/{version}/', INDEX)
        for reference in re.findall(r'(?:href|src)="(page/[^"]+)"', index.text):
            assert (await calls.get(f"/{reference}")).text == FILES[reference.split("/", 2)[2]]
        for name in "style.css", "js/other.js", "worker.js", "icon.svg":
            answer = await calls.get(f"/page/{version}/{name}")
            assert answer.text == FILES[name]
            assert answer.headers["content-type"].split(";")[0] == SUFFIXES[Path(name).suffix]
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_documents_and_workers_may_do_only_what_the_page_needs(manager: ModelManager, folder: Path) -> None:
    async with client(manager, folder) as calls:
        index = await calls.get("/")
        files = {name: await calls.get(f"/page/{version_of(index.text)}/{name}") for name in FILES if "." in name}
    for answer in index, files["worker.js"], files["icon.svg"]:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "*" not in policy
        for rule in "script-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'":
            assert rule in policy.split("; ")
    assert index.headers["referrer-policy"] == "no-referrer"
    assert index.headers["cross-origin-opener-policy"] == "same-origin"
    for answer in index, files["js/main.js"], files["style.css"], files["icon.svg"]:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_program_gets_what_it_gets_without_the_page(manager: ModelManager, folder: Path) -> None:
    answers = []
    for page in folder, None:
        async with client(manager, page) as calls:
            for accept in "*/*", "application/json":
                for headers in {}, {"X-API-Key": KEY}:
                    answer = await calls.get("/", headers={"Accept": accept, **headers})
                    answers.append((answer.status_code, answer.content, answer.headers["content-type"]))
            answers.append(((await calls.post("/", headers=BROWSER)).status_code,))
    assert answers[:5] == answers[5:] and {status for status, *_ in answers} == {401, 404}


async def test_without_the_page_nothing_of_it_is_imported_and_browsers_are_led_to_the_documentation(
    manager: ModelManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "app.rest.page", None)
    async with client(manager, None) as calls:
        assert (await calls.get("/")).headers["location"] == "docs"
        assert (await calls.get("/page/x/js/main.js")).status_code == 401


@pytest.mark.parametrize("key", [KEY, "wrong" * 8, ""])
async def test_a_proxy_that_adds_a_key_does_not_hide_the_page(manager: ModelManager, folder: Path, key: str) -> None:
    async with client(manager, folder) as calls:
        answer = await calls.get("/", headers={"X-API-Key": key})
        assert answer.status_code == 200 and "ratelimit" not in answer.headers
        assert (
            await calls.get(f"/page/{version_of(answer.text)}/icon.svg", headers={"X-API-Key": key})
        ).text == "<svg/>"


async def test_head_says_what_get_sends(manager: ModelManager, folder: Path) -> None:
    async with client(manager, folder) as calls:
        version = version_of((await calls.get("/")).text)
        for path in "/", f"/page/{version}/style.css":
            get, head = await calls.get(path), await calls.head(path)
            assert head.status_code == 200 and head.content == b""
            del get.headers["x-request-id"], head.headers["x-request-id"]
            assert head.headers == get.headers


async def test_a_copy_is_revalidated_by_its_tag(manager: ModelManager, folder: Path) -> None:
    async with client(manager, folder) as calls:
        first = await calls.get("/")
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers["vary"] == "accept, accept-encoding"
        tag = first.headers["etag"]
        for known in tag, f"W/{tag}", f'"other", {tag}', "*":
            again = await calls.get("/", headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "no-cache")
        plain = await calls.get("/", headers={"If-None-Match": tag, "Accept-Encoding": "identity"})
        assert plain.status_code == 200 and plain.headers["etag"] != tag
        for unknown in "", '"', '"x"', "é", "," * 5000:
            assert (await calls.get("/", headers={"If-None-Match": unknown.encode()})).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("*", "gzip"), ("gzip;q=0, *", None), ("br", None), ("", None)],
)
async def test_files_are_compressed_for_those_who_take_it(
    manager: ModelManager, folder: Path, accepted: str, coding: str | None
) -> None:
    async with client(manager, folder) as calls:
        path = f"/page/{version_of((await calls.get('/')).text)}/js/other.js"
        async with calls.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "accept-encoding"
    assert int(answer.headers["content-length"]) == len(raw)
    assert (gzip.decompress(raw) if coding else raw).decode() == FILES["js/other.js"]
    assert not coding or len(raw) < 1000


async def test_scripts_are_sent_without_the_comments_that_fill_lines() -> None:
    script = """// first

/** @type {string} */
let a = 'x'; // kept
/** @type {number} */ (a) + 1;
  /**
   * Says `//`.
   */
  f(/** kept */ a);
\t// none
/* kept */
let b = 1 /
2;
// no end of line"""
    expected = """
let a = 'x'; // kept
/** @type {number} */ (a) + 1;
  f(/** kept */ a);
/* kept */
let b = 1 /
2;
// no end of line"""
    assert without_comments(script.encode()).decode() == expected


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "api.d.ts",
        "tsconfig.json",
        "",
        "js",
        "js/",
        "../page.py",
        "%2e%2e/page.py",
        "/etc/passwd",
        "x" * 5000,
    ],
)
async def test_only_the_files_of_the_page_are_served(manager: ModelManager, folder: Path, name: str) -> None:
    async with client(manager, folder) as calls:
        version = version_of((await calls.get("/")).text)
        answer = await calls.get(f"http://test/page/{version}/{name}")
        assert answer.status_code == 404
        assert "immutable" not in answer.headers["cache-control"]
        assert (await calls.post(f"/page/{version}/js/main.js")).status_code == 405


async def test_a_change_of_any_file_changes_the_version(manager: ModelManager, folder: Path) -> None:
    versions = []
    for name in "js/other.js", "index.html", "icon.svg":
        async with client(manager, folder) as calls:
            versions.append(version_of((await calls.get("/")).text))
            for former in versions[:-1]:
                assert (await calls.get(f"/page/{former}/js/main.js")).status_code == 404
        (folder / name).write_text((folder / name).read_text("utf-8") + " ", "utf-8")
    (folder / "icon.svg").rename(folder / "icon2.svg")
    async with client(manager, folder) as calls:
        versions.append(version_of((await calls.get("/")).text))
    assert len(set(versions)) == 4


async def test_under_a_prefix_the_addresses_have_it(manager: ModelManager, folder: Path) -> None:
    async with client(manager, folder, root_path="/beer") as calls:
        for path in "/", "/beer/":
            index = await calls.get(path)
            version = version_of(index.text)
            assert f'src="/beer/page/{version}/js/main.js"' in index.text and 'href="/beer/docs"' in index.text
        moved = await calls.get("/beer")
        assert (moved.status_code, moved.headers["location"]) == (307, "/beer/")
        for path in f"/page/{version}/worker.js", f"/beer/page/{version}/worker.js":
            assert (await calls.get(path)).headers["service-worker-allowed"] == "/beer/"
    async with client(manager, folder) as calls:
        worker = await calls.get(f"/page/{version}/worker.js")
        assert worker.headers["service-worker-allowed"] == "/"


async def test_log_and_metrics_name_the_page_and_the_route_of_its_files(manager: ModelManager, folder: Path) -> None:
    stream = StringIO()
    async with client(manager, folder, log=RequestLog(stream)) as calls:
        version = version_of((await calls.get("/")).text)
        await calls.get(f"/page/{version}/icon.svg")
        await calls.get("/page/<script>/x")
    routes = re.findall(r'"route": ?"([^"]*)"', stream.getvalue())
    assert routes == ["/", "/page/{digest}/{name:path}", "/page/{digest}/{name:path}"]


async def test_the_page_does_not_lead_to_documentation_that_is_off(manager: ModelManager) -> None:
    for enabled in (True, False):
        async with client(manager, REPOSITORY / "app" / "page", docs_enabled=enabled) as browser:
            page = (await browser.get("/")).text
            assert ('href="docs"' in page) is enabled and 'id="key-button"' in page and page.count("</div>") > 20


async def test_the_page_is_told_the_largest_body(manager: ModelManager, folder: Path) -> None:
    index = folder / "index.html"
    index.write_text(index.read_text("utf-8") + '<meta name="body-limit" content="1">', "utf-8")
    limits = {"one": 1234, "many": 5, "file": 6}
    async with client(manager, folder, body_limits=limits) as browser:
        assert '<meta name="body-limit" content="1234">' in (await browser.get("/")).text
    async with client(manager, REPOSITORY / "app" / "page") as browser:
        assert '<meta name="body-limit" content="1000000">' in (await browser.get("/")).text
