"""What was lost on the way to the collector: counted, and said in the log at most once a minute."""

import logging
import time

from app.telemetry.metrics import Family, Registry

LOST = Family(
    "otel_lost_total",
    "Spans, log records and exports of metrics that the OpenTelemetry collector did not take, by signal.",
    "counter",
    ("signal",),
)
LOG_SECONDS = 60.0
"""Minimum number of seconds between two lines about the same exporter."""
_EXPORTERS = tuple(
    f"opentelemetry.exporter.otlp.proto.http.{name}" for name in ("trace_exporter", "metric_exporter", "_log_exporter")
)
_PREFIXES = ("opentelemetry", "urllib3", "requests")


class Losses:
    """Counts what one signal loses: what fails, and what does not fit into the queue any more."""

    def __init__(self, registry: Registry, signal: str, queue: int) -> None:
        """Initialize the counts.

        Args:
            registry: Registry of the process's metrics.
            signal: ``traces``, ``logs`` or ``metrics``.
            queue: Maximum number of items that wait.
        """
        self._lost = registry.counter(LOST, signal)
        self._queue = queue
        self._waiting = 0

    def offered(self) -> None:
        """Note an item that is put into the queue; a full queue drops its oldest."""
        self._waiting += 1
        if self._waiting > self._queue:
            self._waiting -= 1
            self._lost.inc()

    def taken(self, items: int) -> None:
        """Note that items leave the queue."""
        self._waiting = max(0, self._waiting - items)

    def failed(self, items: int) -> None:
        """Note that items could not be sent."""
        self._lost.inc(items)


def is_own(logger: str) -> bool:
    """Return whether a logger belongs to the export itself, whose lines are not exported."""
    return logger.startswith(_PREFIXES)


def quiet_exporters() -> None:
    """Let the SDK log errors only, once a minute and exporter. Its warnings come once for each item or retry."""
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    for name in _EXPORTERS:
        logger = logging.getLogger(name)
        for each in list(logger.filters):
            logger.removeFilter(each)
        logger.addFilter(_OncePerMinute())


class _OncePerMinute(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._last = -LOG_SECONDS

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._last < LOG_SECONDS:
            return False
        self._last = now
        return True
