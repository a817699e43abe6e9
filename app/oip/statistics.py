"""Statistics: what a version has been asked and how long it took, as the protocol's statistics extension tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.bundle.manifest import Manifest
from app.models.metrics import EXECUTION_SECONDS, EXECUTIONS, LAST_EXECUTION, PREDICTIONS
from app.telemetry.metrics import Family, Registry

FAILURES = Family(
    "model_calls_refused_total",
    "Calls over the open protocol that a model did not answer.",
    "counter",
    ("model", "version"),
)


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """One version's figures since the workers began, over every door."""

    name: str
    version: str
    rows: int
    """Rows answered."""
    executions: int
    """Runs of the model, each over all rows of a call."""
    seconds: float
    """What the runs took together."""
    failures: int
    """Calls of the protocol that were refused for what they held, or not answered."""
    last: float
    """Moment of the latest run, seconds since the epoch; 0: none."""


class StatisticsReader:
    """Counts what fails, and reads what was counted."""

    def __init__(self, metrics: Registry) -> None:
        """Initialize the statistics reader.

        Args:
            metrics: Hold the figures.
        """
        self._metrics = metrics

    def failed(self, manifest: Manifest) -> None:
        """A call of this version was not answered."""
        self._metrics.counter(FAILURES, manifest.name, manifest.version).inc()

    def read(self, versions: Sequence[tuple[str, str]]) -> list[ModelStatistics]:
        """The figures of versions, over all workers; takes a millisecond.

        Args:
            versions: Name and version of each.
        """
        figures = self._metrics.read()

        def figure(family: Family, name: str, version: str) -> float:
            return figures.get((family.name, f'model="{name}",version="{version}"', ""), 0.0)

        return [
            ModelStatistics(
                name,
                version,
                rows=int(figure(PREDICTIONS, name, version)),
                executions=int(figure(EXECUTIONS, name, version)),
                seconds=figure(EXECUTION_SECONDS, name, version),
                failures=int(figure(FAILURES, name, version)),
                last=figure(LAST_EXECUTION, name, version),
            )
            for name, version in versions
        ]
