"""A request's id and its line in the access log, without the key and the body."""

import json
import re
from typing import Any

import pytest

from tests.known import BEER, KEY
from tests.live.program import Program, Start, free_port
from tests.live.wire import exchange, request

KEY_HEADER = ("X-API-Key", KEY)
BODY = json.dumps(BEER).encode()


def line_of(program: Program, request_id: str) -> dict[str, Any]:
    """Return the only log line of a request."""
    lines = [line for line in program.lines(f'"{request_id}"') if line.get("request_id") == request_id]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "route", "status"),
    [
        ("POST", "/predict", [KEY_HEADER], BODY, "/predict", 200),
        ("POST", "/predict?x=hidden-query", [KEY_HEADER], b"{}", "/predict", 422),
        ("GET", "/model", [KEY_HEADER], None, "/model", 200),
        ("GET", "/health/live", [], None, "/health/live", 200),
        ("GET", "/hidden-path", [KEY_HEADER], None, "", 404),
        ("POST", "/predict", [], BODY, "/predict", 401),
        ("DELETE", "/predict", [KEY_HEADER], None, "/predict", 405),
    ],
)
def test_each_request_is_logged_in_one_line(
    program: Program,
    method: str,
    path: str,
    headers: list[tuple[str, str]],
    body: bytes | None,
    route: str,
    status: int,
) -> None:
    request_id = f"line-{method}-{status}-{len(path)}"
    answer = program.send(request(method, path, [*headers, ("X-Request-ID", request_id)], body))
    assert (answer.status, answer.header("X-Request-ID")) == (status, request_id)
    line = line_of(program, request_id)
    assert line.keys() == {
        "time", "level", "event", "request_id", "key_id", "method", "route", "status", "duration_ms"
    }  # fmt: skip
    assert (line["event"], line["level"]) == ("request", "info")
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert 0 <= line["duration_ms"] < 60_000
    assert "hidden" not in program.errors


def test_requests_without_an_id_get_unique_ids(program: Program) -> None:
    ids = [program.send(request("GET", "/health/live")).header("X-Request-ID") for _ in range(20)]
    assert len(set(ids)) == 20
    for request_id in ids:
        assert request_id and re.fullmatch(r"[A-Za-z0-9._-]{8,64}", request_id)
        line_of(program, request_id)


@pytest.mark.parametrize(
    "sent",
    [
        b'quote"},{"level":"critical',
        b"back\\slash",
        b"a b",
        b"",
        b"x" * 129,
        b"x" * 10_000,
        "naïve-☃".encode(),
        b"\xff\xfe",
        b"<script>",
        b"tab\tbed",
        b"line\r\n folded",
    ],
    ids=repr,
)
def test_an_unsafe_request_id_is_replaced(program: Program, sent: bytes) -> None:
    answer = program.send(request("GET", "/health/live", [("X-Request-ID", sent)]))
    if answer.status == 400:  # rejected by the HTTP parser
        assert sent not in answer.raw
        return
    request_id = answer.header("X-Request-ID")
    assert answer.status == 200 and request_id and re.fullmatch(r"[A-Za-z0-9._-]{8,64}", request_id)
    line_of(program, request_id)
    assert sent.decode("latin-1") not in program.errors or not sent


def test_a_request_id_cannot_inject_a_header_or_a_log_line(program: Program) -> None:
    answer = program.send(request("GET", "/health/live", [("X-Request-ID", "sane\r\nX-Evil: 1")]))
    assert answer.header("X-Request-ID") == "sane"
    assert answer.header("X-Evil") is None
    for ending in b"\r", b"\n", b"\0":
        answer = program.send(request("GET", "/health/live", [("X-Request-ID", b"ev1l" + ending + b"X-Evil: 1")]))
        assert answer.header("X-Evil") is None
    for line in program.lines('"sane"'):
        assert "request_id" not in line or re.fullmatch(r"[A-Za-z0-9._-]{1,128}", line["request_id"])


def test_neither_key_nor_body_is_in_the_log(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", LOG_LEVEL="DEBUG")
    body = json.dumps({**BEER, "abv": 4.987654321, "s3cret-field": "s3cret-value"}).encode()
    for headers in [KEY_HEADER], [("X-API-Key", f"{KEY}x")], [("Authorization", KEY)]:
        program.send(request("POST", "/predict", [*headers, ("X-Request-ID", "last")], body))
        program.send(request("POST", f"/predict?key={KEY}", headers, body))
    assert program.stop() == 0
    program.lines('"last"')
    for secret in (KEY, "4.98765", "s3cret"):
        assert secret not in program.errors + program.output
    assert all(line["level"] in ("debug", "info") for line in program.lines('"last"'))


@pytest.mark.parametrize("level", ["WARNING", "ERROR"])
def test_requests_are_not_logged_at_higher_log_levels(start: Start, level: str) -> None:
    port = free_port()
    program = start(API_KEY=KEY, PORT=str(port), LOG_LEVEL=level)
    program.listening(port)
    assert exchange(port, request("GET", "/model", [KEY_HEADER])).status == 200
    assert program.stop() == 0
    assert program.errors == ""
