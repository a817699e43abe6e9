"""Metrics of rollouts."""

import numpy as np
from numpy.typing import NDArray

from app.telemetry.metrics import Family, Registry

_MODEL = ("model", "version")
SHARE = Family(
    "model_rollout_share_ratio",
    "Share of the calls that a version is tried on, 0 when the rollout has ended; mode shadow or canary.",
    "gauge",
    (*_MODEL, "mode"),
    merge="max",
)
RUNS = Family(
    "model_rollout_runs_total",
    "Runs of a version that is tried, by result: ok, failed, or dropped because the thread pool was busy.",
    "counter",
    (*_MODEL, "result"),
)
SECONDS = Family("model_rollout_run_seconds_total", "What the runs of a version that is tried took.", "counter", _MODEL)
DIFFERENCE = Family(
    "model_rollout_difference",
    "Absolute difference of each row between the version that is tried and the active one, in the output's unit.",
    "histogram",
    _MODEL,
    (0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0),
)
BEYOND = Family(
    "model_rollout_beyond_total",
    "Rows whose difference is larger than the bound of the rollout (--max-difference).",
    "counter",
    _MODEL,
)
STOPPED = Family(
    "model_rollout_stopped_total",
    "Rollouts that the server has stopped, by reason: difference, errors, latency, crash or refused.",
    "counter",
    (*_MODEL, "reason"),
)
FAMILIES = SHARE, RUNS, SECONDS, DIFFERENCE, BEYOND, STOPPED


class RolloutMetrics:
    """Counts one rollout."""

    def __init__(self, registry: Registry, name: str, version: str, mode: str) -> None:
        """Initialize the metrics.

        Args:
            registry: Registry of the process's metrics.
            name: Name of the model.
            version: The candidate.
            mode: Mode of the rollout.
        """
        self._registry, self._labels = registry, (name, version)
        self.share = registry.gauge(SHARE, name, version, mode)
        """Share of the calls."""
        self.ok = registry.counter(RUNS, name, version, "ok")
        """Counts runs with a valid answer."""
        self.failed = registry.counter(RUNS, name, version, "failed")
        """Counts runs without a valid answer."""
        self.dropped = registry.counter(RUNS, name, version, "dropped")
        """Counts runs that did not take place."""
        self.seconds = registry.counter(SECONDS, name, version)
        """Counts the duration of the runs."""
        self._difference = registry.histogram(DIFFERENCE, name, version)
        self._beyond = registry.counter(BEYOND, name, version)

    def compared(self, differences: NDArray[np.float64], bound: float | None) -> None:
        """Count the differences of a run's rows, shape (n_rows,).

        Args:
            differences: The differences.
            bound: Largest difference that is expected; None if there is no bound.
        """
        self._difference.observe_many(differences)
        if bound is not None:
            self._beyond.inc(int(np.count_nonzero(differences > bound)))

    def stopped(self, reason: str) -> None:
        """Count that the server has stopped the rollout."""
        self._registry.counter(STOPPED, *self._labels, reason).inc()
