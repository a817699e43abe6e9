"""API keys over REST: checked for every verb and route, before the body is read."""

import itertools
from collections.abc import Iterable, Iterator

import pytest
from starlette.routing import Route

from app.rest.application import RestApplication
from app.rest.page import BrewersPage
from tests.committed import VERSIONS
from tests.known import KEY
from tests.live.keyless import OPEN, PAGE, PAGE_FILE, WITHOUT
from tests.live.program import Program
from tests.live.wire import Answer, chunked, kernel_buffers, request

pytestmark = pytest.mark.alone

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
_MODELS = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
PROTOCOL = {
    *("/v2", "/v2/", "/v2/models/stats", "/v2/repository/index"),
    *(f"/v2/repository/models/{{model}}/{word}" for word in ("load", "unload")),
    *(f"{path}{word}" for path in _MODELS for word in ("", "/ready", "/config", "/stats", "/infer")),
}
"""Paths of the Open Inference Protocol."""
NO_ROUTES = (
    *("/", "//predict", "/predict%00", "/predict//", "/admin", "/metrics", "/health", "/.env", "/redoc"),
    *("/v2x", "/v2/x", "/v2/models/", "/v2/models/..%2f..%2firis"),
)
REDIRECTED = ("/predict/", "/v2/models/beer-ibu/versions/1/", "/v2/repository/models/beer-ibu/unload/")
"""Paths that lead to a keyed route without the slash at the end."""
VALID_KEY = [("X-API-Key", KEY)]
VALID_BODY = b'{"abv": 5.6, "target_og": 1056, "target_fg": 1013}'
BODIES: dict[str, tuple[list[tuple[str, str]], tuple[bytes, ...]]] = {
    "no body": ([], ()),
    "garbage": ([("Content-Length", "7")], (b'{\xff\x00"[}]',)),
    "valid": ([("Content-Length", str(len(VALID_BODY)))], (VALID_BODY,)),
    "wrong type": ([("Content-Type", "text/xml"), ("Content-Length", "4")], (b"<a/>",)),
    "large": ([("Content-Length", "1500000")], (b"9" * 1_500_000,)),
    "chunked": ([("Transfer-Encoding", "chunked")], tuple(chunked([b"{}", b"x" * 10_000]))),
    "declared huge": ([("Content-Length", "99999999999"), ("Expect", "100-continue")], ()),
}


@pytest.fixture(scope="module")
def documented(program: Program) -> dict[str, set[str]]:
    """The methods of every path in the OpenAPI document."""
    paths = program.send(request("GET", "/openapi.json")).json["paths"]
    return {path: {method.upper() for method in methods} for path, methods in paths.items()}


@pytest.fixture(scope="module")
def rejection(program: Program) -> Answer:
    """The response to a call without a key."""
    return program.send(request("POST", "/predict"))


def test_a_call_without_a_key_is_answered_with_a_problem_and_a_challenge(rejection: Answer) -> None:
    assert rejection.status == 401
    assert rejection.header("WWW-Authenticate") == 'ApiKey realm="beer-model", header="X-API-Key"'
    assert rejection.header("Content-Type") == "application/problem+json"
    assert rejection.header("Cache-Control") == "no-store"
    assert rejection.header("Server") is None
    assert rejection.json["code"] == "not_authenticated"


def test_the_tests_cover_the_documented_routes(documented: dict[str, set[str]]) -> None:
    keyed = {
        "/predict",
        "/predict/batch",
        "/explain",
        "/recipes",
        "/recipes/beerjson",
        "/solve",
        "/solve/batch",
        "/varieties",
        "/styles",
        "/iris/predict",
        "/pets/predict",
        "/cat-dog_classification",
        "/model",
        "/metrics",
    }
    assert documented.keys() - OPEN.keys() == keyed | PROTOCOL


def test_these_tests_cover_every_registered_route(
    application: RestApplication, documented: dict[str, set[str]]
) -> None:
    """All routes are documented or need no key."""
    routes = {route.path for route in application.router.routes if isinstance(route, Route)}
    assert routes <= documented.keys() | OPEN.keys() and "/docs/assets/docs.js" in routes


def _paths(documented: Iterable[str]) -> Iterator[str]:
    yield from sorted({*documented, *OPEN, *NO_ROUTES, *REDIRECTED})


def _filled(path: str) -> str:
    path = path.replace(PAGE_FILE, f"/page/{BrewersPage(PAGE, 1_000_000).version}/icon.svg")
    return path.replace("{model}", "beer-ibu").replace("{version}", VERSIONS["beer-ibu"])


def _error_media_type(path: str) -> str:
    return "application/json" if path.startswith("/v2/") or path == "/v2" else "application/problem+json"


def test_every_verb_on_every_keyed_route_without_a_key_is_answered_with_401(
    program: Program, documented: dict[str, set[str]], rejection: Answer
) -> None:
    oip_rejection = program.send(request("GET", "/v2"))
    assert (oip_rejection.status, oip_rejection.json.keys()) == (401, {"error"})
    for path, verb in itertools.product(_paths(documented), VERBS):
        answer = program.send(request(verb, _filled(path)))
        if path in OPEN:
            assert answer.status == (200 if verb in _allowed({OPEN[path]}) else 405), (verb, path)
        elif verb == "HEAD":
            assert (answer.status, answer.body) == (401, b""), path
        else:
            expected = rejection if _error_media_type(path) == "application/problem+json" else oip_rejection
            assert answer.constant == expected.constant, (verb, path)


def _allowed(methods: Iterable[str]) -> list[str]:
    """The methods that a path with these answers: HEAD wherever GET is."""
    return [allowed for method in methods for allowed in ((method, "HEAD") if method == "GET" else (method,))]


_EMPTY_BODY_STATUSES = {"infer": 400, "index": 200}
"""Statuses of a POST without a body, by the last part of the path."""


def test_every_verb_on_every_route_with_the_key_is_answered_as_documented(
    program: Program, documented: dict[str, set[str]]
) -> None:
    for path, verb in itertools.product(_paths(documented), VERBS):
        answer = program.send(request(verb, _filled(path), VALID_KEY))
        allowed = _allowed(documented.get(path) or ({OPEN[path]} if path in OPEN else set()))
        if path in REDIRECTED:
            assert answer.status == 308, (verb, path)
            continue
        if path.startswith("/v2/repository/models/"):
            assert answer.status == 403, (verb, path)
            continue
        if verb in allowed:
            assert answer.status == _EMPTY_BODY_STATUSES.get(path.rpartition("/")[2], 422 if verb == "POST" else 200), (
                verb,
                path,
            )
            continue
        assert answer.status == (405 if allowed else 404), (verb, path)
        assert answer.header("Content-Type") == _error_media_type(path), (verb, path)
        assert answer.header("Allow") == (", ".join(allowed) if allowed else None), (verb, path)
        assert answer.header("WWW-Authenticate") is None


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/model", "/nowhere"])
@pytest.mark.parametrize("fault", WITHOUT)
def test_the_rejection_is_identical_for_every_wrong_key(
    program: Program, rejection: Answer, fault: str, path: str
) -> None:
    for method in "GET", "POST":
        assert program.send(request(method, path, WITHOUT[fault])).constant == rejection.constant


@pytest.mark.parametrize("body", BODIES)
def test_the_rejection_is_identical_for_every_body(program: Program, rejection: Answer, body: str) -> None:
    headers, pieces = BODIES[body]
    for path in "/predict", "/predict/batch", "/nowhere":
        for fault in "no key", "wrong":
            answer = program.send(request("POST", path, [*headers, *WITHOUT[fault]]), *pieces)
            assert answer.constant == rejection.constant, (path, fault)


@pytest.mark.parametrize("verb", ["CONNECT", "PROPFIND", "BREW", "predict"])
def test_unknown_verbs_are_rejected(program: Program, verb: str) -> None:
    for path in "/predict", "/model", "/nowhere", "beer:443":
        assert program.send(request(verb, path)).status in (400, 401), path


def test_the_header_name_is_case_insensitive(program: Program) -> None:
    for name in "x-api-key", "X-API-KEY", "X-Api-Key":
        assert program.send(request("GET", "/model", [(name, KEY)])).status == 200


def test_at_most_about_2_mb_of_a_body_without_a_key_are_read(program: Program, rejection: Answer) -> None:
    piece = b"9" * 1_000_000
    for headers, pieces in (
        ([("Content-Length", "64000000")], [piece] * 64),
        ([("Transfer-Encoding", "chunked")], list(chunked([piece] * 64))),
    ):
        answer = program.send(request("POST", "/predict", headers), *pieces)
        assert answer.constant == rejection.constant
        assert answer.sent < 2_000_000 + kernel_buffers() + 500_000  # the last summand is the server's own buffer
        assert answer.seconds < 8  # 2 s of discarding the body, more on a busy machine


def test_a_client_that_never_sends_its_body_is_rejected_at_once_and_disconnected_after_2_s(
    program: Program, rejection: Answer
) -> None:
    answer = program.send(request("POST", "/predict", [("Content-Length", "1000")]))
    assert answer.constant == rejection.constant
    assert answer.first < 1.5 < answer.seconds < 8
