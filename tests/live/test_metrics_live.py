"""Figures of the running program: what promtool says of them, and that they are right across processes."""

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
from tests.keys import make_key
from tests.known import BEER, KEY
from tests.live import raw
from tests.live.program import Program, Start, started_workers, until, worker_pids
from tests.live.wire import request

ONE = json.dumps(BEER).encode()
MANY = json.dumps({"beers": [BEER] * 100}).encode()
PREDICTIONS = 'model_predictions_total{model="beer-ibu",version="1"}'
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def post(program: Program, path: str, body: bytes, *headers: tuple[str, str]) -> int:
    """A keyed call; gives the status."""
    return program.send(request("POST", path, [("X-API-Key", KEY), *headers], body)).status


def text(program: Program) -> str:
    """What /metrics says."""
    answer = program.send(request("GET", "/metrics", [("X-API-Key", KEY)]))
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


def figures(program: Program) -> dict[str, float]:
    """Its samples."""
    samples: Iterable[str] = (x for x in text(program).splitlines() if not x.startswith("#"))
    return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in samples)}


def test_promtool_reads_them_and_has_nothing_to_say(start: Start) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    program = start(API_KEY=KEY, PORT="0", RATE_LIMIT="1000/minute")
    for path, body in (("/predict", ONE), ("/predict", b"{"), ("/predict/batch", MANY), ("/nowhere", b"")):
        post(program, path, body)
    told = text(program)
    done = subprocess.run(["promtool", "check", "metrics"], input=told, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert KEY not in told


def test_what_was_asked_is_what_is_counted(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    assert [post(program, "/predict", ONE) for _ in range(3)] == [200] * 3
    assert [post(program, "/predict/batch", MANY) for _ in range(2)] == [200] * 2
    assert post(program, "/predict", b"{") == 422
    counted = figures(program)
    assert counted[PREDICTIONS] == 203
    assert counted['beer_predicted_bitterness_ibu_count{model="beer-ibu",version="1"}'] == 203
    assert counted['http_requests_total{route="/predict",method="POST",status="200"}'] == 3
    assert counted['http_request_duration_seconds_count{route="/predict"}'] == 4
    assert counted['http_requests_refused_total{reason="invalid_input"}'] == 1
    answering = [name for name, value in counted.items() if name.startswith("model_info{") and value == 1]
    assert sum('model="beer-ibu"' in name for name in answering) == 1


def test_what_the_server_refuses_before_the_application_is_counted_too(start: Start) -> None:
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
    counted = figures(program)
    for status in 400, 408, 414, 431:
        assert counted[f'http_requests_total{{route="unmatched",method="other",status="{status}"}}'] == 1
    assert counted['http_requests_total{route="/predict",method="POST",status="408"}'] == 1
    reasons = {"malformed_request": 1, "timeout": 2, "uri_too_long": 1, "headers_too_large": 1}
    assert {code: counted[f'http_requests_refused_total{{reason="{code}"}}'] for code in reasons} == reasons
    assert counted["http_requests_in_progress"] == 1


def test_totals_are_the_same_at_each_worker_and_a_killed_one_leaves_its_own(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", WORKERS="2")
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    for _ in range(40):
        assert post(program, "/predict", ONE) == 200
    assert {figures(program)[PREDICTIONS] for _ in range(20)} == {40}
    os.kill(min(worker_pids(program)), signal.SIGKILL)
    until(lambda: started_workers(program) == 3, "a third worker")
    for _ in range(20):
        assert post(program, "/predict", ONE) == 200
    told = [figures(program) for _ in range(20)]
    assert {each[PREDICTIONS] for each in told} == {60}
    assert {each["http_requests_in_progress"] for each in told} == {1}
    assert {value for each in told for name, value in each.items() if name.startswith("model_info{")} == {1}


def test_a_change_of_the_keys_counts_in_every_worker_and_the_parent_does_not_tell_of_the_old_ones(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    gone, kept = (make_key(path, name) for name in ("gone", "kept"))
    program = start(API_KEY=KEY, PORT="0", WORKERS="2", API_KEYS_FILE="keys.json", AUTH_FAILURES_PER_MINUTE="0")
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    assert figures(program)["api_keys"] == 3
    change_keys(path, lambda old: KeyFile(keys=old.keys[1:]))
    changed = time.monotonic()
    until(lambda: figures(program)["api_keys"] == 2, "both workers have two keys")
    assert time.monotonic() - changed < 1 + (os.getloadavg()[0] > 2)
    for key, status in ((gone, 401), (kept, 200)):
        asked = request("GET", "/model", [("X-API-Key", key)])
        assert {program.send(asked).status for _ in range(20)} == {status}


def test_a_trace_and_the_keys_id_stand_in_the_log_line(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    post(program, "/predict", ONE, ("traceparent", TRACE))
    line = next(x for x in program.lines(TRACE) if x.get("traceparent") == TRACE)
    assert (line["key_id"], line["route"], line["status"]) == ("default", "/predict", 200)
