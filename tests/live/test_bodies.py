"""Bodies on the wire: their size and media type, and a corpus of invalid ones for every route with a body."""

import http.client
import json
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from tests.known import BEER, KEY
from tests.live import raw
from tests.live.program import Program
from tests.live.wire import Answer, chunked, exchange, kernel_buffers, request

pytestmark = pytest.mark.alone

VALID_KEY = ("X-API-Key", KEY)
MARKER = "mark3r-of-the-caller"
LIMITS = {"/predict": 1_000_000, "/predict/batch": 8_000_000}
BODIES = {
    "/predict": json.dumps(BEER).encode(),
    "/predict/batch": json.dumps({"beers": [BEER]}).encode(),
}
BUSY = 4
"""Factor by which a busy machine that also measures coverage may exceed the documented time."""
PATHS = pytest.mark.parametrize("path", BODIES)


@pytest.fixture(scope="module")
def port(program: Program) -> int:
    """The port of the program."""
    return program.port()


def post(port: int, path: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    return exchange(port, request("POST", path, [VALID_KEY, *headers], body))


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status, answer.raw[:500]
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Content-Length") == str(len(answer.body))
    assert len(answer.body) <= 8192
    document = answer.json
    assert (document["status"], document["code"], document["type"]) == (status, code, "about:blank")
    assert document["title"] and document["detail"]
    assert len(document.get("errors", [])) <= 20
    assert all(error.keys() == {"field", "code", "reason"} for error in document.get("errors", []))


@PATHS
def test_a_valid_body_is_answered(port: int, path: str) -> None:
    answer = post(port, path, BODIES[path])
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Content-Length") == str(len(answer.body))
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Content-Type-Options") == "nosniff"


@PATHS
def test_a_body_larger_than_the_limit_is_rejected(port: int, path: str) -> None:
    limit, body = LIMITS[path], BODIES[path]
    assert post(port, path, body.ljust(limit)).status == 200
    assert_problem(post(port, path, body.ljust(limit + 1)), 413, "too_large")


@PATHS
def test_a_chunked_body_larger_than_the_limit_is_rejected(port: int, path: str) -> None:
    limit, body = LIMITS[path], BODIES[path]
    opening = request("POST", path, [VALID_KEY, ("Transfer-Encoding", "chunked")])
    padding = [b" " * 100_000] * (limit // 100_000)
    last = padding.pop()[len(body) :]
    assert exchange(port, opening, *chunked([body, *padding, last])).status == 200
    answer = exchange(port, opening, *chunked([body, *padding, last, b" "]))
    assert_problem(answer, 413, "too_large")
    assert answer.seconds - answer.first < 1  # no waiting: the whole body had arrived


@PATHS
def test_a_declared_length_above_the_limit_is_rejected_before_the_body(port: int, path: str) -> None:
    opening = request("POST", path, [VALID_KEY, ("Content-Length", str(LIMITS[path] + 1)), ("Expect", "100-continue")])
    answer = exchange(port, opening)
    assert_problem(answer, 413, "too_large")
    assert answer.seconds < BUSY


@PATHS
@pytest.mark.parametrize("framing", ["declared", "chunked"])
def test_a_client_that_sends_64_mb_gets_413(port: int, path: str, framing: str) -> None:
    pieces = [b"9" * 1_000_000] * 64
    header = ("Content-Length", "64000000") if framing == "declared" else ("Transfer-Encoding", "chunked")
    answer = exchange(
        port, request("POST", path, [VALID_KEY, header]), *(pieces if framing == "declared" else chunked(pieces))
    )
    assert_problem(answer, 413, "too_large")
    taken = (0 if framing == "declared" else LIMITS[path]) + 2_000_000
    assert answer.sent < taken + kernel_buffers() + 500_000  # the last summand is the server's own buffer
    assert answer.seconds < BUSY * 2


def test_a_client_that_reads_only_after_sending_gets_413(port: int) -> None:
    body = b"9" * (LIMITS["/predict"] + 900_000)  # at most 2 MB are dropped unread
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request("POST", "/predict", [VALID_KEY], body))
        received = b"".join(iter(partial(connection.recv, 65536), b""))
    assert received.startswith(b"HTTP/1.1 413 ")
    assert received.endswith(b"}")


@PATHS
@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8;x=y",
        "application/problem+json",
        "application/vnd.beer.v1+json; q=1",
    ],
)
def test_every_json_media_type_is_accepted(port: int, path: str, media_type: str | None) -> None:
    headers = [] if media_type is None else [("Content-Type", media_type)]
    assert post(port, path, BODIES[path], *headers).status == 200


@PATHS
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/notjson",
        "application/xml",
        "+json",
        "*/*",
    ],
)
def test_other_media_types_are_rejected(port: int, path: str, media_type: str) -> None:
    assert_problem(post(port, path, BODIES[path], ("Content-Type", media_type)), 415, "unsupported_media_type")
    twice = post(port, path, BODIES[path], ("Content-Type", "application/json"), ("Content-Type", media_type))
    assert_problem(twice, 415, "unsupported_media_type")


@PATHS
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_body_is_rejected(port: int, path: str, encoding: str) -> None:
    assert_problem(post(port, path, BODIES[path], ("Content-Encoding", encoding)), 415, "unsupported_media_type")
    assert post(port, path, BODIES[path], ("Content-Encoding", "identity")).status == 200


def _corpus(valid: bytes, number: bytes, name: bytes) -> Iterator[tuple[str, bytes]]:
    """Invalid bodies, made from a valid one.

    Args:
        valid: A valid JSON object.
        number: A number in it, to be replaced.
        name: A required key.
    """

    def with_number(value: bytes) -> bytes:
        return valid.replace(number, value, 1)

    for other in (
        b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1e999999999", b"0x10", b"01", b"1.", b".5", b"+5",
        b"1e", b"-", b"nan", b"5,6", b"5_6", b"9" * 4300, b"9" * 4301, b"-" + b"9" * 4301, b"9" * 10_000,
        b"0." + b"9" * 100_000 + b"e99", b"1" + b"0" * 400, b"1" + b"0" * 309,
    ):  # fmt: skip
        yield f"number {other[:12].decode()} ({len(other)})", with_number(other)
    text = f'"{MARKER}'.encode()
    for case, value in {
        "string": text + b'"',
        "numeric string": b'"5.6"',
        "escaped surrogate": text + rb'\ud800"',
        "escaped low surrogate": text + rb'\udc00 \ud83d"',
        "raw surrogate": text + b'\xed\xa0\x80"',
        "escaped nul": text + rb'\u0000"',
        "raw nul": text + b'\x00"',
        "bad UTF-8": text + b'\xff\xfe\xc3("',
        "overlong UTF-8": text + b'\xc0\x80"',
        "unfinished UTF-8": text + b'\xf0\x9f"',
        "bad escape": text + rb'\x41"',
        "open string": text,
        "line break": text + b'\n"',
        "list": b"[" + text + b'"]',
        "object": b"{" + text + b'": 1}',
        "true": b"true",
        "null": b"null",
        "huge string": text + b"A" * 900_000 + b'"',
        "huge escapes": text + rb"\u0041" * 140_000 + b'"',
        "deep list": b"[" * 100_000 + b"]" * 100_000,
        "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "open deep list": b"[" * 100_000,
        "open deep object": b'{"a":' * 100_000,
    }.items():
        yield case, with_number(value)
    yield "duplicate key, the last one wrong", valid[:-1] + b', "' + name + b'": "' + MARKER.encode() + b'"}'
    yield "truncated", valid[: len(valid) // 2]
    yield "two documents", valid + valid
    yield "trailing comma", valid[:-1] + b",}"
    yield "comment", valid + b" // " + MARKER.encode()
    yield "two byte order marks", b"\xef\xbb\xbf" * 2 + valid
    yield "UTF-16", valid.decode().encode("utf-16")
    yield "UTF-32", valid.decode().encode("utf-32")
    yield "gzip magic", b"\x1f\x8b\x08\x00" + valid
    yield "surrogate as a name", valid[:-1] + rb', "' + MARKER.encode() + rb'\ud800": 1}'
    yield "unknown dunder", valid[:-1] + b', "__proto__": {"x": 1}, "__class__": "' + MARKER.encode() + b'"}'
    for whole in (b"", b" \n", b"null", b"true", b"0", b'""', b"[]", b"[[]]", b"{}", b"\x00", b"\x00" * 1000, b"a=1"):
        yield f"whole {whole[:12]!r} ({len(whole)})", whole
    yield "deep lists alone", b"[" * 100_000
    yield "deep objects alone", b'{"beers":' * 100_000


CORPUS = dict(_corpus(BODIES["/predict"], b"1056.0", b"target_og"))
TENSORS = json.dumps({"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 6], "data": [*BEER.values()]}]})
OPEN_CORPUS = dict(_corpus(TENSORS.encode(), b"1056.0", b"inputs"))
"""Invalid bodies for the Open Inference Protocol."""


@PATHS
@pytest.mark.parametrize("name", CORPUS)
def test_the_problem_of_an_invalid_body_does_not_repeat_it(port: int, path: str, name: str) -> None:
    body = CORPUS[name]
    whole = body if path == "/predict" or name.startswith("whole") else b'{"beers": [' + body + b"]}"
    answer = post(port, path, whole)
    assert_problem(answer, 422, "invalid_input")
    assert answer.seconds < BUSY * 2
    if "as a name" not in name:  # the error of an unknown field names it
        assert MARKER.encode() not in answer.body


@pytest.mark.parametrize("name", OPEN_CORPUS)
def test_the_oip_error_of_an_invalid_body_does_not_repeat_it(port: int, name: str) -> None:
    path, body = "/v2/models/beer-ibu/infer", OPEN_CORPUS[name]
    answer = post(port, path, body)
    if name == "unknown dunder":
        assert answer.status == 200, "unknown keys are ignored"
    else:
        assert answer.status == 400 and answer.json.keys() == {"error"}, answer.raw[:500]
    assert answer.header("Content-Type") == "application/json"
    assert answer.seconds < BUSY * 2 and MARKER.encode() not in answer.body
    if not name.startswith("whole"):
        split = ("Inference-Header-Content-Length", str(len(body)))
        assert post(port, path, body + b"1", split).status == 400
    assert post(port, "/v2/repository/index", body).status in (200, 400, 413)


@PATHS
def test_a_byte_order_mark_is_ignored(port: int, path: str) -> None:
    assert post(port, path, b"\xef\xbb\xbf" + BODIES[path]).body == post(port, path, BODIES[path]).body


def test_a_key_that_occurs_twice_is_rejected(port: int) -> None:
    answer = post(port, "/predict", BODIES["/predict"][:-1] + b', "ph": 4.5}')
    assert_problem(answer, 422, "invalid_input")
    assert [(error["field"], error["code"]) for error in answer.json["errors"]] == [("ph", "repeated_key")]


def _unknown_keys(batch: bool) -> bytes:
    keys = ", ".join(f'"k{i}": 1' for i in range(65_000 if not batch else 100_000))
    return (f'{{"beers": [{{{keys}}}]}}' if batch else f"{{{keys}}}").encode()


@PATHS
@pytest.mark.parametrize("content", ["unknown keys", "long names", "wrong beers"])
def test_a_hundred_thousand_errors_give_a_short_problem_quickly(port: int, path: str, content: str) -> None:
    batch = path == "/predict/batch"
    body = {
        "unknown keys": _unknown_keys(batch),
        "long names": json.dumps({"\x1b[31m<script>é" + "n" * 9000 + str(i): 1 for i in range(100)}).encode(),
        "wrong beers": b'{"beers": [' + b",".join([b"{}"] * 100_000) + b"]}",
    }[content]
    answer = post(port, path, body[: LIMITS[path]])
    assert_problem(answer, 422, "invalid_input")
    assert answer.seconds < BUSY * 2
    assert not any(word in answer.body for word in (b"\x1b", b"\\u001b", b"<script", b"n" * 200))


def test_a_connection_stays_open_after_an_invalid_body(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for body, status in ((b"{", 422), (BODIES["/predict"], 200), (b"", 422), (BODIES["/predict"], 200)):
        connection.request("POST", "/predict", body, {"X-API-Key": KEY})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()


def test_large_pipelined_bodies_may_be_split_anywhere(port: int) -> None:
    large = BODIES["/predict/batch"] + b" " * 100_000  # several of them exceed the limit for heads in one read
    requests = raw.post(body=large, target=b"/predict/batch") * 3
    for cut in (50, 70_000):  # in the head of the next request, and in its body
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.sendall(requests + requests[:cut])
            first = raw.read_until(connection, lambda data: data.count(b"predictions") == 3)
            connection.sendall(requests[cut:])
            rest = raw.read_until(connection, lambda data: data.count(b"predictions") == 3)
        assert raw.statuses(first) == raw.statuses(rest) == [200] * 3


def test_a_client_that_disconnects_is_logged(program: Program, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        headers = [VALID_KEY, ("X-Request-ID", "gone-away"), ("Content-Length", "1000")]
        connection.sendall(request("POST", "/predict", headers) + b"{")
    line = next(x for x in program.lines('"gone-away"') if x.get("request_id") == "gone-away")
    assert (line["status"], line["route"]) == (499, "/predict")
    assert exchange(port, request("GET", "/health/live")).status == 200


def test_no_error_is_logged_after_all_requests_of_this_module(program: Program, port: int) -> None:
    assert post(port, "/predict", BODIES["/predict"], ("X-Request-ID", "after-all-tests")).status == 200
    lines = program.lines("after-all-tests")
    assert [x for x in lines if x["level"] not in ("info", "warning") or x.get("status", 0) >= 500] == []
    assert MARKER not in program.errors and KEY not in program.errors
