"""Durations of calls, as histograms with the names and attributes of the semantic conventions."""

from bisect import bisect_left
from dataclasses import dataclass, field

from app.telemetry.calls import CallNotes
from app.telemetry.metrics import CALL_SECONDS
from app.telemetry.otel.conventions import Attributes, attributes_of, known_method


@dataclass(slots=True)
class Series:
    """The durations of the calls that ended in the same way."""

    transport: str
    """``http`` or ``grpc``."""
    attributes: Attributes
    """Attributes of the calls."""
    counts: list[int] = field(default_factory=lambda: [0] * (len(CALL_SECONDS) + 1))
    """Number of calls by bucket; the last one has no upper bound."""
    total: float = 0.0
    """Sum of the durations, seconds."""


class Durations:
    """Counts the durations of the calls of this process. Counts in the event loop; any thread may read."""

    bounds = CALL_SECONDS

    def __init__(self) -> None:
        """Start without any."""
        self._series: dict[tuple[str, str, int], Series] = {}

    def observe(self, call: CallNotes) -> None:
        """Count a call that has ended."""
        seconds = call.seconds
        key = (call.method, call.route, call.status)  # the methods of gRPC calls have a name of their own
        series = self._series.get(key)
        if series is None:
            key = (known_method(call.method) if call.transport == "http" else call.method, call.route, call.status)
            series = self._series.setdefault(key, Series(call.transport, attributes_of(call)))
        series.counts[bisect_left(CALL_SECONDS, seconds)] += 1
        series.total += seconds

    def read(self) -> list[Series]:
        """Return the series."""
        return list(self._series.values())
