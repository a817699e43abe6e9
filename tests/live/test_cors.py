"""CORS from pages of other origins in Chromium, which may read every response, whoever sends it, or none."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.known import BEER, KEY
from tests.live.program import Program

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser

_FETCH = """
const [address, calls, done] = arguments;
(async () => {
  const answers = [];
  for (const [path, options] of calls) {
    try {
      const response = await fetch(address + path, options);
      answers.push([response.status, await response.json(), Object.fromEntries(response.headers)]);
    } catch (error) {
      answers.push([error.name, null, {}]);
    }
  }
  done(answers);
})();
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A brewery</title><link rel=icon href=data:,>")

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def sites() -> Iterator[list[str]]:
    """The origins of two sites with an empty page each."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Page) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def service(sites: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program, which pages of the first site may call."""
    program = Program(
        tmp_path_factory.mktemp("cors"),
        API_KEY=KEY,
        PORT="0",
        GRPC_ENABLED="false",
        CORS_ORIGINS=sites[0],
        RATE_LIMIT="100/hour",
        AUTH_FAILURES_PER_MINUTE="1",
        BODY_LIMIT="1000",
    )
    yield program
    program.close()


def post(path: str, body: str, **headers: str) -> list[Any]:
    """The arguments of fetch for a POST of JSON."""
    return [path, {"method": "POST", "body": body, "headers": {"Content-Type": "application/json", **headers}}]


def fetch(browser: "Chrome", site: str, service: Program, *calls: list[Any]) -> list[Any]:
    """Make calls from a page of a site: for each the status, or the name of an error, the JSON and the headers."""
    browser.get(f"{site}/")
    address = f"http://127.0.0.1:{service.port()}"
    answers: list[Any] = browser.execute_async_script(_FETCH, address, calls)  # type: ignore[no-untyped-call]
    return answers


def test_a_page_of_an_allowed_origin_reads_every_response(
    browser: "Chrome", sites: list[str], service: Program
) -> None:
    key, wrong = {"X-API-Key": KEY, "X-Request-ID": "from-a-page"}, {"X-API-Key": "x" * 20}
    beer = str(BEER).replace("'", '"')
    answers = fetch(
        browser,
        sites[0],
        service,
        post("/predict", beer, **key),
        post("/predict", beer),
        post("/predict", beer, **wrong),
        post("/predict", beer, **wrong),
        post("/predict", beer + " " * 1000, **key),
        [f"/{'x' * 9000}", {}],
    )
    assert [answer[0] for answer in answers] == [200, 401, 401, 429, 413, 414]
    assert answers[0][1]["ibu"] > 0
    assert answers[0][2]["x-request-id"] == "from-a-page"
    assert answers[0][2]["ratelimit"].startswith('"key";r=99;')
    assert int(answers[3][2]["retry-after"]) > 0
    assert [answer[1]["code"] for answer in answers[4:]] == ["too_large", "uri_too_long"]


def test_a_page_of_another_origin_reads_nothing(browser: "Chrome", sites: list[str], service: Program) -> None:
    call = post("/predict", str(BEER).replace("'", '"'), **{"X-API-Key": KEY})
    answers = fetch(browser, sites[1], service, call, ["/health/ready", {}])
    assert [answer[0] for answer in answers] == ["TypeError", "TypeError"]
