"""A full thread pool: a batch is rejected after its head, before the body arrives. Rejections are counted."""

import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.keys import make_key
from tests.known import BEER, KEY
from tests.live.program import Program, Start, until
from tests.live.raw import connect, post, read_until, statuses
from tests.live.remote import front
from tests.live.wire import Answer, request
from tests.server_process import ServerProcess

SLOW = 20
"""ABV of beers for which the model server delays its answer."""
BODY = json.dumps({"beers": [BEER] * 1000}).encode()
BATCH = post(b"X-Request-ID: crowded\r\n", BODY, target=b"/predict/batch")
HEAD, _, _ = BATCH.partition(b"\r\n\r\n")
LIVE = b"GET /health/live HTTP/1.1\r\nHost: beer\r\n\r\n"
METRICS = request("GET", "/metrics", [("X-API-Key", KEY)])
REJECTED = re.compile(rb'http_requests_total\{route="/predict/batch",method="POST",status="503"\} (\d+)')
OVERLOADED = re.compile(rb'http_requests_refused_total\{reason="overloaded"\} (\d+)')
IN_PROGRESS = re.compile(rb"http_requests_in_progress (\d+)")


@contextmanager
def full_pool(start: Start, **more: str) -> Iterator[Program]:
    """A program whose thread pool has one slot, which a request of 30 seconds occupies."""
    server = ServerProcess(delay=30.0, slow_only=SLOW)
    try:
        program = front(start, server, MODEL_SERVER_TIMEOUT="60", MODEL_SERVER_CALLS="1", THREAD_POOL_QUEUE="0", **more)
        with connect(program.port()) as holder:
            holder.sendall(post(body=json.dumps({**BEER, "abv": SLOW}).encode()))
            until(lambda: count(program, IN_PROGRESS) == 2)  # this request and the one for the metrics
            yield program
    finally:
        server.kill()


@pytest.fixture
def full(start: Start) -> Iterator[Program]:
    """A program with a full thread pool and otherwise default settings."""
    with full_pool(start) as program:
        yield program


def count(program: Program, pattern: re.Pattern[bytes]) -> int:
    match = pattern.search(program.send(METRICS).body)
    return int(match[1]) if match else 0


def padded_request(size: int) -> bytes:
    """A batch with a long head and a short body."""
    return (HEAD + b"\r\nX-Pad: " + b"p" * size).replace(b"%d" % len(BODY), b"2") + b"\r\n\r\n{}"


def next_response(connection: socket.socket) -> Answer:
    """The next complete response."""

    def is_complete(received: bytes) -> bool:
        head, separator, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        return bool(separator and length and len(body) >= int(length[1]))

    return Answer(read_until(connection, is_complete), 0, 0.0, 0.0)


def test_the_rejection_comes_before_the_body_and_the_connection_stays_open(full: Program) -> None:
    with connect(full.port()) as connection:
        connection.sendall(HEAD + b"\r\n\r\n")
        rejection = next_response(connection)
        assert (rejection.status, rejection.json["code"]) == (503, "overloaded")
        assert rejection.header("Content-Type") == "application/problem+json"
        assert rejection.header("Retry-After") == "1" and rejection.header("Connection") is None
        assert (
            rejection.header("Cache-Control") == "no-store" and rejection.header("X-Content-Type-Options") == "nosniff"
        )
        assert rejection.header("X-Request-ID") == "crowded"
        connection.sendall(BODY + LIVE)
        assert next_response(connection).json == {"status": "live"}


def test_one_connection_may_be_rejected_many_times(full: Program) -> None:
    with connect(full.port()) as connection:
        for _ in range(40):
            connection.sendall(BATCH)
            assert next_response(connection).status == 503
        connection.sendall(BATCH * 3 + LIVE)
        assert statuses(read_until(connection, lambda data: data.endswith(b'"live"}'))) == [503, 503, 503, 200]


def test_a_rejected_body_within_the_limit_is_dropped_to_its_end(full: Program) -> None:
    with connect(full.port()) as connection:
        connection.sendall(HEAD.replace(b"%d" % len(BODY), b"8000000") + b"\r\n\r\n")
        assert next_response(connection).status == 503
        connection.sendall(b" " * 8_000_000 + LIVE)
        assert next_response(connection).json == {"status": "live"}


@pytest.mark.parametrize("size", [40_000, 62_000])
def test_a_long_head_does_not_count_toward_the_next_request(full: Program, size: int) -> None:
    padded_batch = padded_request(size - len(HEAD))
    with connect(full.port()) as connection:
        connection.sendall(padded_batch)
        assert next_response(connection).status == 503
        connection.sendall(padded_batch[: size // 2])
        with pytest.raises(TimeoutError):  # no second response to the first request, and none yet to the second
            connection.settimeout(0.2)
            connection.recv(1)
        connection.sendall(padded_batch[size // 2 :])
        assert next_response(connection).status == 503


def test_the_limit_for_heads_applies_to_each_pipelined_request(full: Program) -> None:
    heads = padded_request(1500)
    with connect(full.port()) as connection:
        connection.sendall(heads * 45 + heads[:1000])
        read_until(connection, lambda data: data.count(b"HTTP/1.1 503") == 45 and data.endswith(b"}"))
        connection.sendall(heads[1000:] + LIVE)
        assert statuses(read_until(connection, lambda data: data.endswith(b'"live"}'))) == [503, 200]


def test_a_rejection_during_shutdown_arrives_without_a_reset(full: Program) -> None:
    body = BODY.replace(b" ", b" " * 120)
    with connect(full.port()) as connection:
        connection.sendall(LIVE)
        assert next_response(connection).status == 200
        full.process.send_signal(signal.SIGTERM)
        full.lines("Shutting down")
        sender = threading.Thread(target=connection.sendall, args=(post(body=body, target=b"/predict/batch"),))
        sender.start()
        rejection = next_response(connection)
        sender.join()
        assert (rejection.status, rejection.header("Connection")) == (503, "close")
        assert connection.recv(1) == b""


def test_rejections_are_logged_and_counted(full: Program) -> None:
    with connect(full.port()) as connection:
        for _ in range(3):
            connection.sendall(BATCH)
            next_response(connection)
    full.lines_with('"crowded"', 3)
    lines = [line for line in full.lines('"crowded"') if line.get("request_id") == "crowded"]
    assert [(x["route"], x["method"], x["status"], x["key_id"]) for x in lines] == [
        ("/predict/batch", "POST", 503, "default")
    ] * 3
    assert count(full, REJECTED) == count(full, OVERLOADED) == 3
    assert count(full, IN_PROGRESS) == 2


@pytest.mark.parametrize(
    ("replacement", "status"),
    [
        ((KEY.encode(), b"another"), 401),
        ((b"Content-Length: ", b"Content-Type: text/plain\r\nContent-Length: "), 415),
        ((b"Content-Length: %d" % len(BODY), b"Content-Length: 8000001"), 413),
    ],
)
def test_other_errors_take_precedence_over_overload(
    full: Program, replacement: tuple[bytes, bytes], status: int
) -> None:
    with connect(full.port()) as connection:
        connection.sendall(HEAD.replace(*replacement) + b"\r\n\r\n")
        assert next_response(connection).status == status


def test_an_exceeded_rate_takes_precedence_over_overload(start: Start) -> None:
    with full_pool(start, RATE_LIMIT="30/hour") as program, connect(program.port()) as connection:
        responses = []
        while not responses or responses[-1].status == 503:
            connection.sendall(BATCH)
            responses.append(next_response(connection))
            assert responses[-1].header("RateLimit")
        assert responses[-1].status == 429 and 20 < len(responses) < 30  # setting up the test has used some of the rate


def test_a_missing_scope_takes_precedence_over_overload(start: Start, tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys.json", "figures", scopes={"metrics"})
    with full_pool(start, API_KEYS_FILE="keys.json") as program, connect(program.port()) as connection:
        connection.sendall(HEAD.replace(KEY.encode(), key.encode()) + b"\r\n\r\n")
        assert next_response(connection).status == 403


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_client_that_requests_close_receives_the_rejection_without_a_reset(full: Program, version: bytes) -> None:
    body = BODY.replace(b" ", b" " * 120)
    batch = post(b"Connection: close\r\n", body, target=b"/predict/batch", version=version)
    assert 1_000_000 < len(body) < 1_900_000
    for _ in range(10):
        with connect(full.port()) as connection:
            sender = threading.Thread(target=connection.sendall, args=(batch,))  # a reset would break it
            sender.start()
            rejection = next_response(connection)
            sender.join()
            assert (rejection.status, rejection.header("Connection")) == (503, "close")
            assert rejection.json["code"] == "overloaded"
            assert connection.recv(1) == b""
