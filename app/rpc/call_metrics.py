"""Metrics of gRPC calls: counts by method and code, durations, calls in progress, and rejections by reason."""

from grpc import StatusCode

from app.telemetry.handles import Counter, Histogram
from app.telemetry.metrics import CALL_SECONDS, Family, Registry

CALLS = Family("grpc_requests_total", "Completed gRPC calls, by method and code.", "counter", ("method", "code"))
DURATION = Family(
    "grpc_request_duration_seconds",
    "Time from a gRPC call's metadata to the end of its response, by method.",
    "histogram",
    ("method",),
    CALL_SECONDS,
)
IN_PROGRESS = Family("grpc_requests_in_progress", "gRPC calls in progress.", "gauge")
REFUSED = Family("grpc_requests_refused_total", "Rejected gRPC calls, by reason.", "counter", ("reason",))

UNMATCHED = "unmatched"
"""Value of the label ``method`` for calls of unknown methods."""


class CallMetrics:
    """Counts calls; a series is created at its first value."""

    def __init__(self, registry: Registry) -> None:
        """Create the metrics.

        Args:
            registry: Registry of the metrics.
        """
        self._registry = registry
        self._in_progress = registry.gauge(IN_PROGRESS)
        self._series: dict[tuple[str, StatusCode], tuple[Counter, Histogram]] = {}

    def began(self) -> None:
        """Record the start of a call."""
        self._in_progress.inc()

    def ended(self, route: str, code: StatusCode, seconds: float) -> None:
        """Record the end of a call.

        Args:
            route: The method's route; empty for an unknown method.
            code: The status code.
            seconds: Duration of the call.
        """
        self._in_progress.dec()
        series = self._series.get((route, code))
        if series is None:
            method = route or UNMATCHED
            series = self._registry.counter(CALLS, method, code.name), self._registry.histogram(DURATION, method)
            self._series[route, code] = series
        calls, duration = series
        calls.inc()
        duration.observe(seconds)

    def refused(self, reason: str) -> None:
        """Record a rejected call."""
        self._registry.counter(REFUSED, reason).inc()
