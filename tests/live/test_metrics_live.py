"""Metrics of the running program: promtool accepts them, and they are correct across processes."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.access.key_file import KeyFile, change_keys
from tests.committed import VERSIONS
from tests.keys import make_key
from tests.known import BEER, KEY
from tests.live import raw
from tests.live.program import Program, Start, started_workers, until, worker_pids
from tests.live.wire import request

ONE = json.dumps(BEER).encode()
MANY = json.dumps({"beers": [BEER] * 100}).encode()
VERSION = VERSIONS["beer-ibu"]
PREDICTIONS = f'model_predictions_total{{model="beer-ibu",version="{VERSION}"}}'
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def post(program: Program, path: str, body: bytes, *headers: tuple[str, str]) -> int:
    """Send a POST request with the API key and return the status."""
    return program.send(request("POST", path, [("X-API-Key", KEY), *headers], body)).status


def read_metrics(program: Program) -> str:
    """Return the text of /metrics."""
    answer = program.send(request("GET", "/metrics", [("X-API-Key", KEY)]))
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


def read_samples(program: Program) -> dict[str, float]:
    """Return the value of each sample of /metrics."""
    samples: Iterable[str] = (x for x in read_metrics(program).splitlines() if not x.startswith("#"))
    return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in samples)}


def test_promtool_accepts_the_metrics_without_warnings(start: Start) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    program = start(API_KEY=KEY, PORT="0", RATE_LIMIT="1000/minute")
    for path, body in (("/predict", ONE), ("/predict", b"{"), ("/predict/batch", MANY), ("/nowhere", b"")):
        post(program, path, body)
    metrics = read_metrics(program)
    completed = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True)
    assert completed.returncode == 0 and not completed.stderr, completed.stderr
    assert KEY not in metrics


def test_requests_and_predictions_are_counted(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    assert [post(program, "/predict", ONE) for _ in range(3)] == [200] * 3
    assert [post(program, "/predict/batch", MANY) for _ in range(2)] == [200] * 2
    assert post(program, "/predict", b"{") == 422
    counted = read_samples(program)
    assert counted[PREDICTIONS] == 203
    assert counted[f'beer_predicted_bitterness_ibu_count{{model="beer-ibu",version="{VERSION}"}}'] == 203
    assert counted['http_requests_total{route="/predict",method="POST",status="200"}'] == 3
    assert counted['http_request_duration_seconds_count{route="/predict"}'] == 4
    assert counted['http_requests_refused_total{reason="invalid_input"}'] == 1
    answering = [name for name, value in counted.items() if name.startswith("model_info{") and value == 1]
    assert sum('model="beer-ibu"' in name for name in answering) == 1


def test_requests_that_the_http_server_rejects_are_counted(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", HEADER_TIMEOUT="2", BODY_TIMEOUT="2")
    port = program.port()
    whole = raw.post(b"X-Request-ID: half-a-body\r\n")
    sent = {
        b"\0\r\n\r\n": 400,
        raw.post(target=b"/" + b"a" * 9_000): 414,
        raw.post(b"A: " + b"x" * 70_000 + b"\r\n"): 431,
        whole[:20]: 408,
        whole[:-5]: 408,
    }
    for data, status in sent.items():
        with raw.connect(port) as connection:
            connection.sendall(data)
            assert raw.statuses(raw.read_until(connection)) == [status]
    line = next(x for x in program.lines("half-a-body") if x.get("request_id") == "half-a-body")
    assert (line["route"], line["status"]) == ("/predict", 408)
    counted = read_samples(program)
    for status in 400, 408, 414, 431:
        assert counted[f'http_requests_total{{route="unmatched",method="other",status="{status}"}}'] == 1
    assert counted['http_requests_total{route="/predict",method="POST",status="408"}'] == 1
    reasons = {"malformed_request": 1, "timeout": 2, "uri_too_long": 1, "headers_too_large": 1}
    assert {code: counted[f'http_requests_refused_total{{reason="{code}"}}'] for code in reasons} == reasons
    assert counted["http_requests_in_progress"] == 1


def test_totals_are_equal_in_all_workers_and_include_a_killed_one(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", WORKERS="2")
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    for _ in range(40):
        assert post(program, "/predict", ONE) == 200
    assert {read_samples(program)[PREDICTIONS] for _ in range(20)} == {40}
    os.kill(min(worker_pids(program)), signal.SIGKILL)
    until(lambda: started_workers(program) == 3, "a third worker")
    for _ in range(20):
        assert post(program, "/predict", ONE) == 200
    samples = [read_samples(program) for _ in range(20)]
    assert {sample[PREDICTIONS] for sample in samples} == {60}
    assert {sample["http_requests_in_progress"] for sample in samples} == {1}
    assert {value for sample in samples for name, value in sample.items() if name.startswith("model_info{")} == {1}


@pytest.mark.alone
def test_a_change_of_the_keys_takes_effect_in_all_workers_and_in_the_metrics(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    revoked, kept = (make_key(path, name) for name in ("gone", "kept"))
    program = start(API_KEY=KEY, PORT="0", WORKERS="2", API_KEYS_FILE="keys.json", AUTH_FAILURES_PER_MINUTE="0")
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    assert read_samples(program)["api_keys"] == 3
    change_keys(path, lambda old: KeyFile(keys=old.keys[1:]))
    changed = time.monotonic()
    until(lambda: read_samples(program)["api_keys"] == 2, "both workers have two keys")
    assert time.monotonic() - changed < 1 + (os.getloadavg()[0] > 2)
    for key, status in ((revoked, 401), (kept, 200)):
        call = request("GET", "/model", [("X-API-Key", key)])
        assert {program.send(call).status for _ in range(20)} == {status}


def test_the_log_line_contains_the_trace_and_the_key_id(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    post(program, "/predict", ONE, ("traceparent", TRACE))
    line = next(x for x in program.lines(TRACE) if x.get("traceparent") == TRACE)
    assert (line["key_id"], line["route"], line["status"]) == ("default", "/predict", 200)
