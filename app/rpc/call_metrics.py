"""Metrics of gRPC calls: counts by method and code, durations, calls in progress, and rejections by reason."""

from bisect import bisect_left

from grpc import StatusCode

from app.telemetry.metrics import Family, Registry

CALLS = Family("grpc_requests_total", "Completed gRPC calls, by method and code.", "counter", ("method", "code"))
DURATION = Family(
    "grpc_request_duration_seconds",
    "Time from a gRPC call's metadata to the end of its response, by method.",
    "histogram",
    ("method",),
    (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
IN_PROGRESS = Family("grpc_requests_in_progress", "gRPC calls in progress.", "gauge")
REFUSED = Family("grpc_requests_refused_total", "Rejected gRPC calls, by reason.", "counter", ("reason",))

UNMATCHED = "unmatched"
"""Value of the label ``method`` for calls of unknown methods."""
_BOUNDS = DURATION.bounds
_SUM = len(_BOUNDS) + 1


class CallMetrics:
    """Counts calls; a series is created at its first value."""

    def __init__(self, registry: Registry) -> None:
        """Create the metrics.

        Args:
            registry: Registry of the metrics.
        """
        self._registry = registry
        self._values = registry.values
        self._in_progress = registry.place(IN_PROGRESS)
        self._places: dict[tuple[str, StatusCode], tuple[int, int]] = {}

    def began(self) -> None:
        """Record the start of a call."""
        self._values[self._in_progress] += 1.0

    def ended(self, route: str, code: StatusCode, seconds: float) -> None:
        """Record the end of a call.

        Args:
            route: The method's route; empty for an unknown method.
            code: The status code.
            seconds: Duration of the call.
        """
        values = self._values
        values[self._in_progress] -= 1.0
        places = self._places.get((route, code))
        if places is None:
            method = route or UNMATCHED
            places = self._registry.place(CALLS, method, code.name), self._registry.place(DURATION, method)
            self._places[route, code] = places
        calls, duration = places
        values[calls] += 1.0
        values[duration + bisect_left(_BOUNDS, seconds)] += 1.0
        values[duration + _SUM] += seconds

    def refused(self, reason: str) -> None:
        """Record a rejected call."""
        self._values[self._registry.place(REFUSED, reason)] += 1.0
