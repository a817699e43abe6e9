"""API keys over REST: checked for every verb and route, before the body is read."""

import itertools
from collections.abc import Iterable, Iterator

import pytest
from starlette.routing import Route

from app.rest.application import RestApplication
from tests.known import KEY
from tests.live.keyless import OPEN, WITHOUT
from tests.live.program import Program
from tests.live.wire import Answer, chunked, kernel_buffers, request

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_MODELS = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
PROTOCOL = {
    *("/v2", "/v2/", "/v2/models/stats", "/v2/repository/index"),
    *(f"/v2/repository/models/{{model}}/{word}" for word in ("load", "unload")),
    *(f"{path}{word}" for path in _MODELS for word in ("", "/ready", "/config", "/stats", "/infer")),
}
"""Paths of the Open Inference Protocol."""
NO_ROUTES = (
    *("/", "/predict/", "//predict", "/predict%00", "/admin", "/metrics", "/docs/", "/health", "/.env", "/redoc"),
    *("/v2x", "/v2/x", "/v2/models/", "/v2/models/..%2f..%2firis", "/v2/models/beer-ibu/versions/1/"),
)
RIGHT = [("X-API-Key", KEY)]
VALID = b'{"abv": 5.6, "target_og": 1056, "target_fg": 1013}'
BODIES: dict[str, tuple[list[tuple[str, str]], tuple[bytes, ...]]] = {
    "no body": ([], ()),
    "garbage": ([("Content-Length", "7")], (b'{\xff\x00"[}]',)),
    "valid": ([("Content-Length", str(len(VALID)))], (VALID,)),
    "wrong type": ([("Content-Type", "text/xml"), ("Content-Length", "4")], (b"<a/>",)),
    "large": ([("Content-Length", "1500000")], (b"9" * 1_500_000,)),
    "chunked": ([("Transfer-Encoding", "chunked")], tuple(chunked([b"{}", b"x" * 10_000]))),
    "declared huge": ([("Content-Length", "99999999999"), ("Expect", "100-continue")], ()),
}


@pytest.fixture(scope="module")
def documented(program: Program) -> dict[str, set[str]]:
    """Path to methods, of every route in the OpenAPI document."""
    paths = program.send(request("GET", "/openapi.json")).json["paths"]
    return {path: {method.upper() for method in methods} for path, methods in paths.items()}


@pytest.fixture(scope="module")
def refused(program: Program) -> Answer:
    """The answer to a call without a key."""
    return program.send(request("POST", "/predict"))


def test_a_rejection_is_a_problem_with_a_challenge(refused: Answer) -> None:
    assert refused.status == 401
    assert refused.header("WWW-Authenticate") == 'ApiKey realm="beer-model", header="X-API-Key"'
    assert refused.header("Content-Type") == "application/problem+json"
    assert refused.header("Cache-Control") == "no-store"
    assert refused.header("Server") is None
    assert refused.json["code"] == "not_authenticated"


def test_the_tests_cover_the_documented_routes(documented: dict[str, set[str]]) -> None:
    keyed = {
        "/predict",
        "/predict/batch",
        "/explain",
        "/iris/predict",
        "/pets/predict",
        "/cat-dog_classification",
        "/model",
        "/metrics",
    }
    assert documented.keys() - OPEN.keys() == keyed | PROTOCOL


def test_no_route_is_hidden_from_these_tests(application: RestApplication, documented: dict[str, set[str]]) -> None:
    """Neither one that is left out of the document nor one under a path that is open."""
    routes = {route.path for route in application.router.routes if isinstance(route, Route)}
    assert routes <= documented.keys() | OPEN.keys() and "/docs/assets/docs.js" in routes


def _paths(documented: Iterable[str]) -> Iterator[str]:
    yield from sorted({*documented, *OPEN, *NO_ROUTES})


def _asked(path: str) -> str:
    return path.replace("{model}", "beer-ibu").replace("{version}", "1")


def _media(path: str) -> str:
    return "application/json" if path.startswith("/v2/") or path == "/v2" else "application/problem+json"


def test_verb_by_route_without_a_key(program: Program, documented: dict[str, set[str]], refused: Answer) -> None:
    refused_there = program.send(request("GET", "/v2"))
    assert (refused_there.status, refused_there.json.keys()) == (401, {"error"})
    for path, verb in itertools.product(_paths(documented), VERBS):
        answer = program.send(request(verb, _asked(path)))
        if path in OPEN:
            assert answer.status == (200 if verb == OPEN[path] else 405), (verb, path)
        elif verb == "HEAD":
            assert (answer.status, answer.body) == (401, b""), path
        else:
            known = refused if _media(path) == "application/problem+json" else refused_there
            assert answer.constant == known.constant, (verb, path)


_EMPTY = {"infer": 400, "index": 200}
"""What a POST with no body gets there."""


def test_verb_by_route_with_the_key(program: Program, documented: dict[str, set[str]]) -> None:
    for path, verb in itertools.product(_paths(documented), VERBS):
        answer = program.send(request(verb, _asked(path), RIGHT))
        allowed = documented.get(path) or ({OPEN[path]} if path in OPEN else set())
        if path.startswith("/v2/repository/models/"):
            assert answer.status == 403, (verb, path)
            continue
        if verb in allowed:
            assert answer.status == _EMPTY.get(path.rpartition("/")[2], 422 if verb == "POST" else 200), (verb, path)
            continue
        assert answer.status == (405 if allowed else 404), (verb, path)
        assert answer.header("Content-Type") == _media(path), (verb, path)
        assert answer.header("Allow") == (", ".join(allowed) if allowed else None), (verb, path)
        assert answer.header("WWW-Authenticate") is None


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/model", "/nowhere"])
@pytest.mark.parametrize("how", WITHOUT)
def test_a_rejection_is_the_same_bytes_for_every_wrong_key(
    program: Program, refused: Answer, how: str, path: str
) -> None:
    for method in "GET", "POST":
        assert program.send(request(method, path, WITHOUT[how])).constant == refused.constant


@pytest.mark.parametrize("body", BODIES)
def test_a_rejection_is_the_same_bytes_whatever_the_body(program: Program, refused: Answer, body: str) -> None:
    headers, pieces = BODIES[body]
    for path in "/predict", "/predict/batch", "/nowhere":
        for how in "no key", "wrong":
            answer = program.send(request("POST", path, [*headers, *WITHOUT[how]]), *pieces)
            assert answer.constant == refused.constant, (path, how)


@pytest.mark.parametrize("verb", ["CONNECT", "PROPFIND", "BREW", "predict"])
def test_unknown_verbs_are_rejected(program: Program, verb: str) -> None:
    for path in "/predict", "/model", "/nowhere", "beer:443":
        assert program.send(request(verb, path)).status in (400, 401), path


def test_the_header_name_is_case_insensitive(program: Program) -> None:
    for name in "x-api-key", "X-API-KEY", "X-Api-Key":
        assert program.send(request("GET", "/model", [(name, KEY)])).status == 200


def test_of_64_mb_without_a_key_little_more_than_2_mb_are_read(program: Program, refused: Answer) -> None:
    piece = b"9" * 1_000_000
    for headers, pieces in (
        ([("Content-Length", "64000000")], [piece] * 64),
        ([("Transfer-Encoding", "chunked")], list(chunked([piece] * 64))),
    ):
        answer = program.send(request("POST", "/predict", headers), *pieces)
        assert answer.constant == refused.constant
        assert answer.sent < 2_000_000 + kernel_buffers() + 500_000  # the last for the server's own buffer
        assert answer.seconds < 8  # 2 s of dropping, on a busy machine


def test_a_client_that_never_sends_its_body_is_rejected_at_once_and_disconnected_after_2_s(
    program: Program, refused: Answer
) -> None:
    answer = program.send(request("POST", "/predict", [("Content-Length", "1000")]))
    assert answer.constant == refused.constant
    assert answer.first < 1.5 < answer.seconds < 8
