"""Counts of requests: by route, method and status, how long they took, how many are in work, why some were refused."""

from app.telemetry.handles import Counter, Histogram
from app.telemetry.metrics import Family, Registry

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
    (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
IN_PROGRESS = Family("http_requests_in_progress", "Requests that have begun and not ended.", "gauge")
REFUSED = Family("http_requests_refused_total", "Requests answered with a problem, by code.", "counter", ("reason",))

UNMATCHED = "unmatched"
"""The route of every path where there is none."""
OTHER = "other"
"""The method of every request with a method of the client's own making."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class RequestMetrics:
    """Counts requests, about a microsecond each; a series is bound when it is first seen."""

    def __init__(self, registry: Registry) -> None:
        """Initialize the request metrics.

        Args:
            registry: Holds the figures.
        """
        self._registry = registry
        self._in_progress = registry.gauge(IN_PROGRESS)
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._refused: dict[str, Counter] = {}

    def began(self) -> None:
        """A request has begun."""
        self._in_progress.inc()

    def ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request has ended.

        Args:
            route: The route's template; empty where none matched.
            method: As sent.
            status: As answered.
            seconds: How long it took.
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
        """A request was refused before its method and path were known, with this status and a problem of this code."""
        self._registry.counter(REQUESTS, UNMATCHED, OTHER, str(status)).inc()
        self.refused(code)

    def refused(self, code: str) -> None:
        """A request was answered with a problem of this code."""
        counter = self._refused.get(code)
        if counter is None:
            counter = self._refused[code] = self._registry.counter(REFUSED, code)
        counter.inc()
