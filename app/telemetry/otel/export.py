"""The export: three threads send spans, log records and metrics to the collector, in batches, off the event loop.

What waits is bounded, and what the collector does not take in time is dropped and counted: no call waits for it, and
the end of the program waits `STOP_SECONDS` at most.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.re import parse_env_headers

from app import __version__
from app.telemetry.metrics import Registry
from app.telemetry.otel.logs import ExportHandler, access_records
from app.telemetry.otel.losses import Losses, quiet_exporters
from app.telemetry.otel.metrics import MetricsReader
from app.telemetry.otel.sampling import Sampling
from app.telemetry.otel.spans import Tracing

QUEUE = 2048
"""Maximum number of spans, and of log records, that wait: some 4 MB of spans."""
BATCH = 512
"""Maximum number of spans or log records in one request to the collector."""
BATCH_SECONDS = 1.0
"""Maximum number of seconds for which a span or a log record waits for others."""
STOP_SECONDS = 2.0
"""Maximum number of seconds for which the end of the program waits for the collector."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportOptions:
    """Where to send, and what."""

    endpoint: str
    """URL of the collector, to which ``/v1/traces`` and the like are appended."""
    headers: str = field(default="", repr=False)
    """Headers of each request, as ``name=value`` pairs separated by commas; may hold a secret."""
    service: str = "beer-model"
    """Name of the service."""
    sampler: str = "parentbased_always_on"
    """Name of the sampler, by the specification of the environment variable OTEL_TRACES_SAMPLER."""
    ratio: float = 1.0
    """Share of the traces that a sampler with a ratio samples."""
    metric_seconds: float = 60.0
    """Seconds between two exports of the metrics."""


class OpenTelemetry:
    """A component that exports while the program runs."""

    def __init__(self, options: ExportOptions, registry: Registry) -> None:
        """Initialize the component; nothing is sent, and no thread runs, before `start`.

        Args:
            options: Where to send, and what.
            registry: Registry of the process's metrics.
        """
        self._options = options
        self._registry = registry
        self._scope = InstrumentationScope("beer-model", __version__)
        attributes = {
            SERVICE_NAME: options.service,
            SERVICE_VERSION: __version__,
            SERVICE_INSTANCE_ID: str(uuid4()),  # one for each worker, and for each start
        }
        self._resource = Resource.create(attributes)
        self.tracing = Tracing(Sampling(options.sampler, options.ratio), self._resource, self._scope)
        """Makes the spans."""
        self._losses = {signal: Losses(registry, signal, QUEUE) for signal in ("traces", "logs", "metrics")}
        self._stops: list[Callable[[], None]] = []
        self._handler: logging.Handler | None = None

    def start(self) -> None:
        """Start the threads."""
        quiet_exporters()
        headers = parse_env_headers(self._options.headers, liberal=True)
        provider = LoggerProvider(self._resource, shutdown_on_exit=False)
        logs = _LogProcessor(OTLPLogExporter(self._url("logs"), headers=headers), self._losses["logs"])
        provider.add_log_record_processor(logs)
        logger = provider.get_logger(self._scope.name, self._scope.version)

        def log_calls(spans: Sequence[ReadableSpan]) -> None:
            for record in access_records(list(spans)):
                logger.emit(record)

        exporter = _CountedSpans(
            OTLPSpanExporter(self._url("traces"), headers=headers), self._losses["traces"], log_calls
        )
        spans = _SpanProcessor(exporter, self._losses["traces"])
        metrics = _MetricsThread(
            OTLPMetricExporter(self._url("metrics"), headers=headers),
            MetricsReader(self._registry, self.tracing.durations, self.tracing.exemplars, self._resource, self._scope),
            self._losses["metrics"],
            self._options.metric_seconds,
        )
        metrics.start()
        self._handler = ExportHandler(logger)
        logging.getLogger().addHandler(self._handler)
        self.tracing.sink = spans

        def stop_batches() -> None:
            spans.shutdown()  # type: ignore[no-untyped-call]  # makes the last records of the access log
            logs.shutdown()  # type: ignore[no-untyped-call]

        self._stops = [metrics.stop, stop_batches]

    async def stop(self) -> None:
        """Send what waits, for at most `STOP_SECONDS`."""
        self.tracing.sink = None
        if self._handler is not None:
            logging.getLogger().removeHandler(self._handler)
            self._handler = None
        threads = [threading.Thread(target=stop, name="otel-stop", daemon=True) for stop in self._stops]
        self._stops = []
        for thread in threads:
            thread.start()
        end = time.monotonic() + STOP_SECONDS
        while any(thread.is_alive() for thread in threads):
            if time.monotonic() >= end:
                _log.warning("the OpenTelemetry collector is too slow: the last spans, logs and metrics are not sent")
                return
            await asyncio.sleep(0.01)

    def _url(self, signal: str) -> str:
        return f"{self._options.endpoint.rstrip('/')}/v1/{signal}"


class _SpanProcessor(BatchSpanProcessor):
    """The SDK's processor, with what it drops counted."""

    def __init__(self, exporter: SpanExporter, losses: Losses) -> None:
        super().__init__(exporter, QUEUE, BATCH_SECONDS * 1000, BATCH)
        self._losses = losses

    def on_end(self, span: ReadableSpan) -> None:
        self._losses.offered()
        super().on_end(span)


class _CountedSpans(SpanExporter):
    def __init__(
        self, exporter: SpanExporter, losses: Losses, before: Callable[[Sequence[ReadableSpan]], None]
    ) -> None:
        self._exporter = exporter
        self._losses = losses
        self._before = before

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._losses.taken(len(spans))
        self._before(spans)
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._losses.failed(len(spans))
        return result


class _LogProcessor(BatchLogRecordProcessor):
    """The SDK's processor, with what it drops counted."""

    def __init__(self, exporter: LogRecordExporter, losses: Losses) -> None:
        super().__init__(_CountedLogs(exporter, losses), BATCH_SECONDS * 1000, BATCH, max_queue_size=QUEUE)
        self._losses = losses

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self._losses.offered()
        super().on_emit(log_record)


class _CountedLogs(LogRecordExporter):
    def __init__(self, exporter: LogRecordExporter, losses: Losses) -> None:
        self._exporter = exporter
        self._losses = losses

    def shutdown(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self._losses.taken(len(batch))
        result = self._exporter.export(batch)
        if result is not LogRecordExportResult.SUCCESS:
            self._losses.failed(len(batch))
        return result


class _MetricsThread:
    """Exports the metrics regularly, and once more at the end."""

    def __init__(self, exporter: OTLPMetricExporter, reader: MetricsReader, losses: Losses, seconds: float) -> None:
        self._exporter = exporter
        self._reader = reader
        self._losses = losses
        self._seconds = seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otel-metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._seconds):
            self._export()
        self._export()

    def _export(self) -> None:
        try:
            is_taken = self._exporter.export(self._reader.read()) is MetricExportResult.SUCCESS
        except Exception:
            _log.exception("the metrics cannot be exported")
            is_taken = False
        if not is_taken:
            self._losses.failed(1)
