"""The program under /beer/: behind nginx, which removes the prefix or keeps it, and under uvicorn; with a browser."""

import json
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from tests.known import BEER, KEY
from tests.live.nginx import needs_nginx, nginx
from tests.live.program import Program, Start, free_port
from tests.live.wire import Answer, exchange, request

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_NGINX = """
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    server {{
        listen 127.0.0.1:{keeping};
        location /beer/ {{ proxy_pass http://127.0.0.1:{known}; }}
        location /other/ {{ proxy_pass http://127.0.0.1:{plain}/; }}
    }}
    server {{
        listen 127.0.0.1:{removing};
        location /beer/ {{ proxy_pass http://127.0.0.1:{known}/; }}
    }}
}}
"""
PLACES = [("keeping", "/beer"), ("removing", "/beer"), ("keeping", "/other")]
"""Servers and prefixes: nginx keeps the first one and removes the others; the last one is not set as ROOT_PATH."""


@pytest.fixture(scope="module")
def fronts(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """Ports of the servers of nginx with the program under several prefixes; see `PLACES`."""
    folder = tmp_path_factory.mktemp("prefix")
    known = Program(folder, API_KEY=KEY, PORT="0", ROOT_PATH="/beer/")
    file, ports = folder / "nginx.conf", {"keeping": free_port(), "removing": free_port()}
    try:
        text = _NGINX.format(folder=folder, known=known.port(), plain=program.port(), **ports)
        file.write_text(text, "utf-8")
        with nginx(folder, file, ports["keeping"]):
            yield ports
    finally:
        known.close()


@needs_nginx
@pytest.mark.parametrize(("server", "prefix"), PLACES)
def test_every_kind_of_route_is_answered_behind_nginx(fronts: dict[str, int], server: str, prefix: str) -> None:
    def status(method: str, path: str, key: str = "", body: bytes | None = None) -> int:
        headers = [("X-API-Key", key)] if key else []
        return exchange(fronts[server], request(method, prefix + path, headers, body)).status

    for path in "/health/ready", "/v2/health/ready", "/docs", "/docs/assets/docs.js", "/openapi.json":
        assert status("GET", path) == 200, path
    for path in "/v2", "/model", "/metrics", "/nothing":
        assert status("GET", path) == 401, path
    assert status("GET", "/v2", KEY) == status("GET", "/v2/models/beer-ibu", KEY) == 200
    assert status("POST", "/predict", KEY, json.dumps(BEER).encode()) == 200


@needs_nginx
@pytest.mark.parametrize(("server", "prefix"), PLACES)
def test_the_page_finds_its_files_and_the_documentation_behind_nginx(
    fronts: dict[str, int], server: str, prefix: str
) -> None:
    def get(address: str) -> Answer:
        return exchange(fronts[server], request("GET", address, [("Accept", "text/html")]))

    index = get(f"{prefix}/")
    references = re.findall(r'(?:href|src)="([^"#]+)"', index.body.decode())
    assert index.status == 200 and len(references) > 3
    for reference in references:
        address = urljoin(f"{prefix}/", reference)
        assert address.startswith(f"{prefix}/") and get(address).status == 200, reference


@needs_nginx
@pytest.mark.browser
@pytest.mark.parametrize("prefix", ["/beer", "/other"])
def test_execute_on_the_page_calls_the_address_behind_the_prefix(
    browser: "Chrome", fronts: dict[str, int], prefix: str
) -> None:
    from tests.live.browser import authorize, clickable, execute

    block = "[id='operations-default-predict']"
    address = f"http://127.0.0.1:{fronts['keeping']}{prefix}"
    browser.get(f"{address}/docs")
    authorize(browser, KEY)
    clickable(browser, f"{block} .opblock-summary-control").click()
    assert json.loads(execute(browser, block))["model"]["name"].startswith("beer-ibu")
    called = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert f"{address}/predict" in called


def test_uvicorn_with_a_root_path_serves_every_kind_of_route(start: Start) -> None:
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0", "--root-path", "/beer"]
    program = start(command=command, API_KEY=KEY)
    for path in "/health/ready", "/v2/health/ready", "/docs":
        assert program.send(request("GET", path)).status == 200, path
    assert program.send(request("GET", "/v2", [("X-API-Key", KEY)])).status == 200
    assert program.send(request("GET", "/openapi.json")).json["servers"] == [{"url": "/beer"}]
