"""The distribution: one series of a histogram, for single values and for many at once."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from app.telemetry.metrics import Family, Registry


class Distribution:
    """Counts values by size."""

    __slots__ = ("_array", "_bounds", "_buckets", "_place", "_sum", "_values")

    def __init__(self, registry: Registry, family: Family, *labels: str) -> None:
        """Args:
        registry: Holds the figures.
        family: A histogram's.
        labels: Values of its labels.
        """
        self._place = registry.place(family, *labels)
        self._bounds = family.bounds
        self._sum = self._place + len(family.bounds) + 1
        self._buckets = slice(self._place, self._sum)
        self._values, self._array = registry.values, registry.array

    def add(self, value: float) -> None:
        """Count one value."""
        values = self._values
        values[self._place + bisect_left(self._bounds, value)] += 1.0
        values[self._sum] += value

    def add_all(self, values: Sequence[float]) -> None:
        """Count many values, as if each were added alone."""
        array = np.asarray(values, dtype=np.float64)
        counts = np.bincount(np.searchsorted(self._bounds, array), minlength=len(self._bounds) + 1)
        self._array[self._buckets] += counts
        self._values[self._sum] += float(array.sum())
