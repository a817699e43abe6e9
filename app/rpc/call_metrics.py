"""Counts of calls: by method and code, how long they took, how many are in work, why some were refused."""

from bisect import bisect_left

from grpc import StatusCode

from app.telemetry.metrics import Family, Registry

CALLS = Family("grpc_requests_total", "gRPC calls that have ended, by method and code.", "counter", ("method", "code"))
DURATION = Family(
    "grpc_request_duration_seconds",
    "From a gRPC call's metadata to the end of its answer, by method.",
    "histogram",
    ("method",),
    (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
IN_PROGRESS = Family("grpc_requests_in_progress", "gRPC calls that have begun and not ended.", "gauge")
REFUSED = Family("grpc_requests_refused_total", "gRPC calls that were refused, by reason.", "counter", ("reason",))

UNMATCHED = "unmatched"
"""The method of every call of one that there is not."""
_BOUNDS = DURATION.bounds
_SUM = len(_BOUNDS) + 1


class CallMetrics:
    """Counts calls; a series is bound when it is first seen."""

    def __init__(self, registry: Registry) -> None:
        """Initialize the call metrics.

        Args:
            registry: Holds the figures.
        """
        self._registry = registry
        self._values = registry.values
        self._in_progress = registry.place(IN_PROGRESS)
        self._places: dict[tuple[str, StatusCode], tuple[int, int]] = {}

    def began(self) -> None:
        """A call has begun."""
        self._values[self._in_progress] += 1.0

    def ended(self, route: str, code: StatusCode, seconds: float) -> None:
        """A call has ended.

        Args:
            route: The method's; empty where there is none.
            code: As answered.
            seconds: How long it took.
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
        """A call was refused for this reason."""
        self._values[self._registry.place(REFUSED, reason)] += 1.0
