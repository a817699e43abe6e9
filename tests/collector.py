"""A stub of an OpenTelemetry collector: takes OTLP over HTTP, as protobuf, and keeps what it got."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

MESSAGES: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """What was received."""

    def __init__(self, status: int = 200, seconds: float = 0.0) -> None:
        """Create a collector.

        Args:
            status: Answer to every request; the messages are kept if it is 200.
            seconds: Time before each answer.
        """
        self.status = status
        self.seconds = seconds
        self.requests = 0
        self.headers: list[dict[str, str]] = []
        self.raw: list[bytes] = []
        self.bundles: dict[str, list[Any]] = {path: [] for path in MESSAGES}
        self.url = ""
        self.ended = threading.Event()

    @property
    def spans(self) -> list[Any]:
        """The spans, each with the attributes as ``values`` and those of its resource as ``resource``."""
        return [
            Item(span, group.resource.attributes)
            for bundle in self.bundles["/v1/traces"]
            for group in bundle.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    @property
    def logs(self) -> list[Any]:
        """The log records."""
        return [
            Item(record, group.resource.attributes)
            for bundle in self.bundles["/v1/logs"]
            for group in bundle.resource_logs
            for scope in group.scope_logs
            for record in scope.log_records
        ]

    @property
    def metrics(self) -> dict[str, Any]:
        """The latest message of each metric, by its name."""
        return {
            metric.name: metric
            for bundle in self.bundles["/v1/metrics"]
            for group in bundle.resource_metrics
            for scope in group.scope_metrics
            for metric in scope.metrics
        }

    def wait(self, condition: Callable[["Collector"], Any], seconds: float = 20.0) -> Any:
        """Wait until a condition is true, and return its value."""
        end = time.monotonic() + seconds
        while not (value := condition(self)):
            assert time.monotonic() < end, (self.requests, [span.name for span in self.spans])
            time.sleep(0.02)
        return value


class Item:
    """A span or a log record."""

    def __init__(self, message: Any, resource: Any) -> None:
        self.message = message
        self.values = values(message.attributes)
        self.resource = values(resource)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)


def values(attributes: list[KeyValue]) -> dict[str, Any]:
    """Return attributes as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in attributes}


@contextmanager
def collector(status: int = 200, seconds: float = 0.0) -> Iterator[Collector]:
    """Run a collector on a free port of this machine."""
    kept = Collector(status, seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["Content-Type"] == "application/x-protobuf"
            kept.requests += 1
            kept.ended.wait(kept.seconds)
            if kept.status == 200:
                kept.headers.append(dict(self.headers))
                kept.raw.append(body)
                kept.bundles[self.path].append(MESSAGES[self.path].FromString(body))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the program may go first
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        kept.ended.set()
        server.shutdown()
        server.server_close()
