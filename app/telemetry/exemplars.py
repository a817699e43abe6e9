"""Exemplars: the trace of one recent call for each bucket of a histogram of durations."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from app.telemetry.calls import SpanIds


class Exemplar(NamedTuple):
    """A call that was counted in a bucket."""

    span: SpanIds
    """The span of the call."""
    seconds: float
    """Its duration."""
    time: float
    """When it ended, seconds since the epoch."""


class Exemplars:
    """The latest exemplar of each bucket, of the calls of this process. Safe to read from any thread."""

    def __init__(self) -> None:
        """Start without any."""
        self._latest: dict[tuple[str, str, str], Exemplar] = {}

    def note(self, family: str, labels: str, bounds: Sequence[float], exemplar: Exemplar) -> None:
        """Keep an exemplar for the bucket of its duration.

        Args:
            family: Name of the histogram's family.
            labels: Labels of the series in the text format, from a bounded set.
            bounds: Upper bounds of the buckets, without infinity.
            exemplar: The exemplar.
        """
        index = bisect_left(bounds, exemplar.seconds)
        bound = f"{bounds[index]:g}" if index < len(bounds) else "+Inf"
        self._latest[family, labels, bound] = exemplar

    def of(self, family: str, labels: str, bound: str) -> Exemplar | None:
        """Return the exemplar of a bucket.

        Args:
            family: Name of the histogram's family.
            labels: Labels of the series in the text format.
            bound: Upper bound of the bucket in the text format.
        """
        return self._latest.get((family, labels, bound))
