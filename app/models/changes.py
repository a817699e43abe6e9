"""Changes: what came of a version that appeared, was chosen or went while the program runs, and its figures."""

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
    "1 while the version that should answer is refused and the one before serves on.",
    "gauge",
    ("model",),
    merge="max",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a change on disk."""

    kind: Literal["swapped", "refused", "unloaded", "kept"]
    """``kept``: what was refused is not asked for any more."""
    name: str
    version: str
    """Empty where it is not known."""
    reason: str = ""
    seconds: float = 0.0
    """How long check, load and warming took."""


class ChangeMetrics:
    """Counts changes."""

    def __init__(self, metrics: Registry) -> None:
        """Initialize the change metrics.

        Args:
            metrics: Hold the figures.
        """
        self._metrics = metrics

    def __call__(self, change: Change) -> None:
        """Count a change."""
        self._metrics.counter(CHANGES, change.name, change.kind).inc()
        self._metrics.gauge(REFUSED, change.name).set(float(change.kind == "refused"))
