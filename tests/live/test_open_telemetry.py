"""OpenTelemetry in the running program: what a collector gets, and collectors that take nothing."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domains.beer.schema import EXAMPLE_RECIPE
from app.telemetry.otel.export import STOP_SECONDS
from tests.collector import Collector, collector
from tests.known import BEER, KEY
from tests.live.program import SERVE, Program, Start, free_port, started_workers, until
from tests.live.raw import connect, post
from tests.live.rpc import BEER_ROW, caller, typed
from tests.live.wire import Answer, request

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TRACEPARENT = ("traceparent", f"00-{TRACE}-{PARENT}-01")
UNSAMPLED = ("traceparent", f"00-{'9' * 32}-{PARENT}-00")
SECRET = "a-token-of-the-collector"
SERVER, CLIENT, INTERNAL = 2, 3, 1
ERROR = 2
"""Numbers of kinds and states in the protocol."""


def call(program: Program, method: str, path: str, body: object = None, *headers: tuple[str, str]) -> Answer:
    content = b"" if body is None else json.dumps(body).encode()
    return program.send(request(method, path, [("X-API-Key", KEY), *headers], content))


def whole_trace(kept: Collector, trace: str, count: int) -> list[Any]:
    """Wait for the spans of a trace, and return those of the server first."""
    kept.wait(lambda kept: len(spans_of(kept, trace)) >= count)
    return sorted(spans_of(kept, trace), key=lambda span: -span.kind)


def spans_of(kept: Collector, trace: str = TRACE) -> list[Any]:
    return [span for span in kept.spans if span.trace_id.hex() == trace]


@pytest.fixture(scope="module")
def kept() -> Iterator[Collector]:
    with collector() as kept:
        yield kept


@pytest.fixture(scope="module")
def traced(kept: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program with everything on."""
    program = Program(
        tmp_path_factory.mktemp("traced"),
        API_KEY=KEY,
        PORT="0",
        OTEL_EXPORTER_OTLP_ENDPOINT=kept.url,
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{SECRET}",
        OTEL_METRIC_EXPORT_INTERVAL="300",
    )
    try:
        program.port()
        yield program
    finally:
        program.close()


def test_a_request_is_a_span_below_the_callers_with_the_run_of_the_model_below_it(
    traced: Program, kept: Collector
) -> None:
    assert call(traced, "POST", "/predict", BEER, TRACEPARENT).status == 200
    server, run = whole_trace(kept, TRACE, 2)
    assert (server.kind, server.name, server.parent_span_id.hex()) == (SERVER, "POST /predict", PARENT)
    assert server.values == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "url.scheme": "http",
    }
    assert (run.kind, run.name, run.parent_span_id) == (INTERNAL, "infer beer-ibu", server.span_id)
    assert run.values["beer_model.model.name"] == "beer-ibu" and run.values["beer_model.model.rows"] == 1
    assert server.start_time_unix_nano <= run.start_time_unix_nano <= run.end_time_unix_nano
    assert abs(server.end_time_unix_nano / 1e9 - time.time()) < 20
    assert server.resource["service.name"] == "beer-model" and len(server.resource["service.instance.id"]) == 36


def test_the_log_has_the_trace_of_a_request_that_came_without_one(traced: Program, kept: Collector) -> None:
    answer = call(traced, "POST", "/predict", EXAMPLE_RECIPE)
    request_id = answer.header("x-request-id") or ""
    line = next(line for line in traced.lines(request_id) if line.get("request_id") == request_id)
    _, trace, span, flags = line["traceparent"].split("-")
    server = kept.wait(lambda kept: [each for each in spans_of(kept, trace) if each.kind == SERVER])[0]
    assert (server.span_id.hex(), flags, server.parent_span_id) == (span, "01", b"")


def test_what_a_client_sends_is_in_no_attribute_and_neither_is_a_key(traced: Program, kept: Collector) -> None:
    secret = "4815162342-of-the-client"
    headers = [("X-Request-ID", secret), ("User-Agent", secret), ("traceparent", f"00-{'1' * 32}-{PARENT}-01")]
    wrong = [("X-API-Key", secret), *headers]
    assert traced.send(request("POST", f"/{secret}?{secret}=1", wrong, b"{}")).status == 401
    assert call(traced, "GET", f"/{secret}", None, *headers).status == 404
    assert call(traced, "POST", "/predict", {**BEER, secret: secret}, *headers).status == 422
    assert call(traced, "PURGE", "/health/live", None, *headers).status == 405
    found = whole_trace(kept, "1" * 32, 4)
    assert {span.name for span in found} == {"POST", "GET", "POST /predict", "HTTP /health/live"}
    kept.wait(lambda kept: kept.metrics and len([log for log in kept.logs if log.trace_id.hex() == "1" * 32]) == 4)
    everything = b"".join(kept.raw)
    assert KEY.encode() not in everything and secret.encode() not in everything and SECRET.encode() not in everything
    assert b"PURGE" not in everything


def test_a_call_over_grpc_is_a_span_with_the_names_of_the_conventions(traced: Program, kept: Collector) -> None:
    trace = "2" * 32
    with caller(traced.rpc()) as client:
        outcome = client.infer(typed("beer-ibu", BEER_ROW), metadata=[("traceparent", f"00-{trace}-{PARENT}-01")])
    assert outcome.code.name == "OK"
    server, run = kept.wait(
        lambda kept: len(found := spans_of(kept, trace)) == 2 and sorted(found, key=lambda s: -s.kind)
    )
    assert server.name == "inference.GRPCInferenceService/ModelInfer"
    assert server.values == {
        "rpc.system.name": "grpc",
        "rpc.method": "inference.GRPCInferenceService/ModelInfer",
        "rpc.response.status_code": "OK",
    }
    assert (run.parent_span_id, server.parent_span_id.hex()) == (server.span_id, PARENT)


def test_metrics_and_logs_arrive_with_the_span_of_their_request(traced: Program, kept: Collector) -> None:
    assert call(traced, "POST", "/predict", BEER, ("traceparent", f"00-{'3' * 32}-{PARENT}-01")).status == 200
    server = kept.wait(lambda kept: [each for each in spans_of(kept, "3" * 32) if each.kind == SERVER])[0]
    log = kept.wait(lambda kept: [each for each in kept.logs if each.span_id == server.span_id])[0]
    assert (log.event_name, log.body.string_value, log.values) == ("request", "POST /predict", server.values)
    assert any("running on http://" in each.body.string_value for each in kept.logs)

    def counted(kept: Collector) -> list[Any]:
        metric = kept.metrics.get("http.server.request.duration")
        points = metric.histogram.data_points if metric else []
        return [
            p for p in points if {a.key: a.value.string_value for a in p.attributes}.get("http.route") == "/predict"
        ]

    points = kept.wait(counted)
    assert sum(point.count for point in points) >= 1 and points[0].sum > 0
    rows = kept.wait(lambda kept: kept.metrics.get("model_predictions_total"))
    assert rows.sum.is_monotonic and sum(point.as_double for point in rows.sum.data_points) >= 1
    prometheus = kept.metrics["http_request_duration_seconds"].histogram.data_points
    assert any(exemplar.trace_id.hex() == "3" * 32 for point in prometheus for exemplar in point.exemplars)


def test_exemplars_name_the_trace_in_the_format_of_open_metrics_alone(traced: Program) -> None:
    assert call(traced, "POST", "/predict", BEER, TRACEPARENT).status == 200
    plain = call(traced, "GET", "/metrics")
    assert (plain.header("content-type") or "").startswith(
        "text/plain; version=0.0.4"
    ) and b"trace_id" not in plain.body
    answer = call(traced, "GET", "/metrics", None, ("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1"))
    assert answer.header("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    text = answer.body.decode()
    assert text.endswith("# EOF\n") and "# TYPE http_requests counter\n" in text and 'le="1.0"' in text
    exemplar = re.search(
        r'_bucket\{route="/predict",le="[0-9.e-]+"\} \d+ # \{trace_id="([0-9a-f]{32})"\} (\S+) (\S+)\n', text
    )
    assert exemplar is not None and 0 < float(exemplar[2]) < 10 and abs(float(exemplar[3]) - time.time()) < 60


def test_a_caller_that_does_not_sample_is_followed(traced: Program, kept: Collector) -> None:
    assert call(traced, "POST", "/predict", BEER, UNSAMPLED).status == 200
    assert call(traced, "POST", "/predict", BEER, ("traceparent", f"00-{'5' * 32}-{PARENT}-01")).status == 200
    kept.wait(lambda kept: len(spans_of(kept, "5" * 32)) == 2)
    assert not spans_of(kept, "9" * 32)


def test_simultaneous_requests_that_share_a_run_each_have_it_in_their_trace(traced: Program, kept: Collector) -> None:
    traces = [f"{number:032x}" for number in range(100, 120)]
    port = traced.port()
    connections = [connect(port) for _ in traces]
    body = json.dumps(BEER).encode()
    for connection, trace in zip(connections, traces, strict=True):
        connection.sendall(
            request("POST", "/predict", [("X-API-Key", KEY), ("traceparent", f"00-{trace}-{PARENT}-01")], body)
        )
    for connection in connections:
        connection.recv(65536)
        connection.close()
    for trace in traces:
        server, run = whole_trace(kept, trace, 2)
        assert run.parent_span_id == server.span_id


def test_the_model_servers_span_is_a_child_of_the_run_in_front(start: Start, kept: Collector, tmp_path: Path) -> None:
    trace = "6" * 32
    behind = start(
        command=(*SERVE, "--role", "model-server"),
        API_KEY=KEY,
        PORT="0",
        OTEL_EXPORTER_OTLP_ENDPOINT=kept.url,
        OTEL_SERVICE_NAME="behind",
    )
    front = start(
        API_KEY=KEY,
        PORT="0",
        GRPC_ENABLED="false",
        MODEL_SERVER=f"grpc://{behind.rpc()}",
        MODEL_SERVER_API_KEY=KEY,
        OTEL_EXPORTER_OTLP_ENDPOINT=kept.url,
        OTEL_SERVICE_NAME="front",
    )
    front.port()
    assert call(front, "POST", "/predict", BEER, ("traceparent", f"00-{trace}-{PARENT}-01")).status == 200
    found = whole_trace(kept, trace, 4)
    by_kind = {(span.resource["service.name"], span.kind): span for span in found}
    assert by_kind["front", SERVER].parent_span_id.hex() == PARENT
    assert by_kind["front", CLIENT].parent_span_id == by_kind["front", SERVER].span_id
    assert by_kind["behind", SERVER].parent_span_id == by_kind["front", CLIENT].span_id
    assert by_kind["behind", INTERNAL].parent_span_id == by_kind["behind", SERVER].span_id
    assert by_kind["front", CLIENT].values["server.port"] == int(behind.rpc().rpartition(":")[2])


def test_each_worker_has_an_instance_id_and_what_waits_is_sent_at_the_end(start: Start) -> None:
    with collector() as kept:
        program = start(API_KEY=KEY, PORT="0", WORKERS="2", OTEL_EXPORTER_OTLP_ENDPOINT=kept.url, GRPC_ENABLED="false")
        program.port()
        until(lambda: started_workers(program) == 2)
        kept.requests = 0
        while len({span.resource["service.instance.id"] for span in kept.spans}) < 2 and kept.requests < 200:
            assert call(program, "GET", "/health/live").status == 200
        assert call(program, "POST", "/predict", BEER, TRACEPARENT).status == 200
        assert program.stop() == 0
        assert len(spans_of(kept)) == 2
        assert "model_predictions_total" in kept.metrics


@pytest.mark.alone
@pytest.mark.parametrize("fault", ["dead", "slow", "refusing"])
def test_a_collector_that_takes_nothing_slows_and_loses_no_request_and_the_end_waits_two_seconds(
    start: Start, fault: str
) -> None:
    status, seconds = {"dead": (200, 0.0), "slow": (200, 60.0), "refusing": (503, 0.0)}[fault]
    with collector(status, seconds) as kept:
        url = f"http://127.0.0.1:{free_port()}" if fault == "dead" else kept.url
        program = start(
            API_KEY=KEY,
            PORT="0",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_METRIC_EXPORT_INTERVAL="100",
            GRPC_ENABLED="false",
        )
        port = program.port()
        message = post()
        times = []
        with connect(port) as connection:
            for _ in range(1500):  # 3,000 spans: more than may wait
                started = time.perf_counter()
                connection.sendall(message)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                times.append(time.perf_counter() - started)
        assert max(times) < 1.0, "a request waited for the collector"
        assert until_lost(program) > 0
        started = time.monotonic()
        assert program.stop() == 0
        assert time.monotonic() - started < STOP_SECONDS + 3.0
        reports = [line for line in program.errors.splitlines() if "opentelemetry" in line]
        assert len(reports) <= 3, "one line for each exporter, once a minute"
        assert "Traceback" not in program.errors


def until_lost(program: Program) -> float:
    """Wait until the metrics say that traces were lost, and return how many."""
    found: list[str] = []

    def reported() -> bool:
        text = call(program, "GET", "/metrics").body.decode()
        found[:] = re.findall(r'otel_lost_total\{signal="traces"\} (\d+)', text)
        return bool(found) and float(found[0]) > 0

    until(reported)
    return float(found[0])
