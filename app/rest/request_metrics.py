"""Metrics of requests: number by route, method and status, durations, requests in progress, and problems by code."""

from app.telemetry.handles import Counter, Histogram
from app.telemetry.metrics import CALL_SECONDS, Family, Registry

REQUESTS = Family(
    "http_requests_total",
    "Requests that have ended, by route, method and status; status 499: the client hung up.",
    "counter",
    ("route", "method", "status"),
)
DURATION = Family(
    "http_request_duration_seconds",
    "From a request's headers to the end of its answer, by route.",
    "histogram",
    ("route",),
    CALL_SECONDS,
)
IN_PROGRESS = Family("http_requests_in_progress", "Requests that have begun and not ended.", "gauge")
REFUSED = Family("http_requests_refused_total", "Requests answered with a problem, by code.", "counter", ("reason",))

UNMATCHED = "unmatched"
"""Label of the route for requests that match no route."""
OTHER = "other"
"""Label of the method for methods that HTTP does not define."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class RequestMetrics:
    """Counts requests. It creates a series when it first occurs."""

    def __init__(self, registry: Registry) -> None:
        """Create the metrics.

        Args:
            registry: Registry of the process's metrics.
        """
        self._registry = registry
        self._in_progress = registry.gauge(IN_PROGRESS)
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._refused: dict[str, Counter] = {}

    def began(self) -> None:
        """Count a request that begins."""
        self._in_progress.inc()

    def ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that has ended.

        Args:
            route: Template of the route; empty if no route matched.
            method: HTTP method.
            status: HTTP status.
            seconds: Duration in seconds.
        """
        self._in_progress.dec()
        series = self._series.get((route, method, status))
        if series is None:
            series = self._bind(route, method if method in _METHODS else OTHER, status)
        requests, duration = series
        requests.inc()
        duration.observe(seconds)

    def _bind(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        series = self._series.get((route, method, status))
        if series is None:
            label = route or UNMATCHED
            series = (
                self._registry.counter(REQUESTS, label, method, str(status)),
                self._registry.histogram(DURATION, label),
            )
            self._series[route, method, status] = series
        return series

    def unread(self, status: int, code: str) -> None:
        """Count a request that was rejected before its method and path were known.

        Args:
            status: HTTP status.
            code: Code of the problem.
        """
        self._registry.counter(REQUESTS, UNMATCHED, OTHER, str(status)).inc()
        self.refused(code)

    def refused(self, code: str) -> None:
        """Count a response with a problem of this code."""
        counter = self._refused.get(code)
        if counter is None:
            counter = self._refused[code] = self._registry.counter(REFUSED, code)
        counter.inc()
