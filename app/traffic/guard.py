"""The guard: stops a candidate that differs too much, fails too often, or takes too long."""

import threading
from collections import deque
from typing import Literal, NamedTuple

from app.bundle.rollout import RolloutSpec

Kind = Literal["difference", "errors", "latency"]


class Breach(NamedTuple):
    """A bound that was exceeded."""

    kind: Kind
    """Which bound."""
    reason: str
    """The reason, as text; plain ASCII."""


class _Window:
    """The sum of the last values."""

    def __init__(self, size: int) -> None:
        self.values: deque[float] = deque(maxlen=size)
        self.sum = 0.0

    def add(self, value: float) -> None:
        if len(self.values) == self.values.maxlen:
            self.sum -= self.values[0]
        self.values.append(value)
        self.sum += value


class Guard:
    """Keeps the latest runs of a candidate, and detects when they exceed a bound. Safe to call from several threads.

    A mean is over the whole window, also before the window is full: a bound is broken as soon as the sum of the values
    is larger than the bound times the window. So the first runs do not stop a candidate by chance, and one that breaks
    a bound in every run is stopped within one window.
    """

    def __init__(self, spec: RolloutSpec) -> None:
        """Initialize the guard.

        Args:
            spec: Has the bounds.
        """
        self._spec = spec
        self._differences, self._seconds, self._errors = (_Window(spec.window) for _ in range(3))
        self._lock = threading.Lock()

    def compared(self, difference: float) -> Breach | None:
        """Count a run that was compared.

        Args:
            difference: Mean of the absolute differences of its rows.
        """
        bound = self._spec.max_difference
        if bound is None or not self._breaks(self._differences, difference, bound):
            return None
        runs = len(self._differences.values)
        mean = self._differences.sum / runs
        return Breach("difference", f"its answers differ by {mean:.4g} on average of {runs} runs; at most {bound:g}")

    def took(self, seconds: float, runs: int = 1) -> Breach | None:
        """Count the duration of a run.

        Args:
            seconds: The duration.
            runs: Number of runs that count with this duration, because they were not measured separately.
        """
        bound = self._spec.max_latency
        if bound is None or not any(self._breaks(self._seconds, seconds, bound) for _ in range(runs)):
            return None
        taken = self._seconds.values
        mean = self._seconds.sum / len(taken)
        return Breach("latency", f"a run takes {mean:.4g} s on average of {len(taken)} runs; at most {bound:g} s")

    def ran(self, failed: bool) -> Breach | None:
        """Count a run as failed or not."""
        with self._lock:
            self._errors.add(float(failed))
            errors = round(self._errors.sum)
        if errors <= self._spec.max_errors:
            return None
        return Breach("errors", f"{errors} of {len(self._errors.values)} runs failed; at most {self._spec.max_errors}")

    def _breaks(self, window: _Window, value: float, bound: float) -> bool:
        with self._lock:
            window.add(value)
            return window.sum > bound * self._spec.window
