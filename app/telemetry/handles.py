"""Metric handles: `Counter`, `Gauge`, `Histogram` and `CounterGroup`, each bound to its slots in the shared counters.

A handle comes from `app.telemetry.metrics.Registry`. An update is an addition to memory, without a lock: CPython
switches threads only at calls and at backward jumps, and between the load and the store of an update there is neither.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.telemetry.shared_counters import SharedCounters

BULK = 16
"""Number of values from which `Histogram.observe_many` is faster with NumPy."""


class _Series:
    """One series with a single value."""

    __slots__ = ("_slot", "_values")

    def __init__(self, counters: SharedCounters, slot: int) -> None:
        """Initialize the series.

        Args:
            counters: The memory that holds the value.
            slot: Index of the value.
        """
        self._values = counters.values
        self._slot = slot

    def inc(self, amount: float = 1.0) -> None:
        """Add an amount; that of a counter must not be negative."""
        self._values[self._slot] += amount


class Counter(_Series):
    """One series of a counter."""

    __slots__ = ()


class Gauge(_Series):
    """One series of a gauge."""

    __slots__ = ()

    def dec(self, amount: float = 1.0) -> None:
        """Subtract an amount."""
        self._values[self._slot] -= amount

    def set(self, value: float) -> None:
        """Set the value."""
        self._values[self._slot] = value


class Histogram:
    """One series of a histogram."""

    __slots__ = ("_array", "_bounds", "_buckets", "_edges", "_first", "_sum", "_values")

    def __init__(self, counters: SharedCounters, first: int, bounds: tuple[float, ...]) -> None:
        """Initialize the histogram.

        Args:
            counters: The memory that holds the values.
            first: Index of the first bucket; the other buckets, infinity's and the sum follow.
            bounds: Upper bounds of the buckets, ascending, without infinity.
        """
        self._first = first
        self._bounds = bounds
        self._edges = np.array(bounds)
        self._sum = first + len(bounds) + 1
        self._buckets = slice(first, self._sum)
        self._values, self._array = counters.values, counters.array

    def observe(self, value: float) -> None:
        """Count one value."""
        values = self._values
        values[self._first + bisect_left(self._bounds, value)] += 1.0
        values[self._sum] += value

    def observe_many(self, values: NDArray[np.float64]) -> None:
        """Count each value of an array of shape (n_values,)."""
        if len(values) < BULK:
            for value in values.tolist():
                self.observe(value)
            return
        counts = np.bincount(self._edges.searchsorted(values), minlength=len(self._edges) + 1)
        self._array[self._buckets] += counts
        self._values[self._sum] += float(values.sum())


class CounterGroup:
    """Several counters of one family, addressed by index; cheaper than one handle each."""

    __slots__ = ("_array", "_indices", "_slots", "_values")

    def __init__(self, counters: SharedCounters, slots: Sequence[int]) -> None:
        """Initialize the group.

        Args:
            counters: The memory that holds the values.
            slots: Index of each counter's value.
        """
        self._values, self._array = counters.values, counters.array
        self._slots = tuple(slots)
        self._indices = np.array(slots, np.intp)

    def inc_each(self, indices: Iterable[int]) -> None:
        """Add 1 to each of these counters; an index may occur more than once."""
        values, slots = self._values, self._slots
        for index in indices:
            values[slots[index]] += 1.0

    def add(self, first: int, amounts: NDArray[np.int_]) -> None:
        """Add to consecutive counters.

        Args:
            first: Index of the first counter.
            amounts: Fewer than 500 amounts, shape (n_amounts,): with more, NumPy lets other threads run in between.
        """
        self._array[self._indices[first : first + len(amounts)]] += amounts
