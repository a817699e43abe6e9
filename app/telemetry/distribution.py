"""The distribution: one series of a histogram, for single values and for many at once."""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from app.telemetry.metrics import Family, Registry

MANY = 16
"""Values from which on it pays to count them all at once."""


class Distribution:
    """Counts values by size."""

    __slots__ = ("_array", "_bounds", "_buckets", "_edges", "_place", "_sum", "_values")

    def __init__(self, registry: Registry, family: Family, *labels: str) -> None:
        """Initialize the distribution.

        Args:
            registry: Holds the figures.
            family: A histogram's.
            labels: Values of its labels.
        """
        self._place = registry.place(family, *labels)
        self._bounds = family.bounds
        self._edges = np.array(family.bounds)
        self._sum = self._place + len(family.bounds) + 1
        self._buckets = slice(self._place, self._sum)
        self._values, self._array = registry.values, registry.array

    def add(self, value: float) -> None:
        """Count one value."""
        values = self._values
        values[self._place + bisect_left(self._bounds, value)] += 1.0
        values[self._sum] += value

    def add_all(self, values: NDArray[np.float64]) -> None:
        """Count many values, as if each were added alone."""
        if len(values) < MANY:
            for value in values.tolist():
                self.add(value)
            return
        counts = np.bincount(self._edges.searchsorted(values), minlength=len(self._edges) + 1)
        self._array[self._buckets] += counts
        self._values[self._sum] += float(values.sum())
