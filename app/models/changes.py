"""Changes among the versions of a model while the program runs, and their metrics."""

from dataclasses import dataclass
from typing import Literal

from app.telemetry.metrics import Family, Registry

CHANGES = Family(
    "model_changes_total",
    "Versions swapped, refused and unloaded while the program runs.",
    "counter",
    ("model", "kind"),
)
REFUSED = Family(
    "model_candidate_refused",
    "1 while the version that should be active is rejected and the version before stays active.",
    "gauge",
    ("model",),
    merge="max",
)


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a change on disk."""

    kind: Literal["swapped", "refused", "unloaded", "kept"]
    """The outcome; ``kept`` means that the pointer names the active version again after a rejected candidate."""
    name: str
    """Name of the model."""
    version: str
    """The version that changed; empty if it is unknown."""
    reason: str = ""
    """Why the version was rejected."""
    seconds: float = 0.0
    """Duration of verification, loading and warm-up."""


class ChangeMetrics:
    """Counts changes."""

    def __init__(self, metrics: Registry) -> None:
        """Initialize the metrics.

        Args:
            metrics: Registry of the process's metrics.
        """
        self._metrics = metrics

    def __call__(self, change: Change) -> None:
        """Count a change."""
        self._metrics.counter(CHANGES, change.name, change.kind).inc()
        self._metrics.gauge(REFUSED, change.name).set(float(change.kind == "refused"))
