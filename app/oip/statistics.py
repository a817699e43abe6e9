"""Statistics of the runs of each version, for the protocol's statistics extension."""

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
    """The statistics of one version since the workers started, over all transports."""

    name: str
    version: str
    rows: int
    """Number of rows answered."""
    executions: int
    """Number of runs of the model, each over all rows of a call."""
    seconds: float
    """Total duration of the runs."""
    failures: int
    """Number of calls over the protocol that were rejected or not answered."""
    last: float
    """Time of the latest run, seconds since the epoch; 0 if there was none."""


class StatisticsReader:
    """Counts failures, and reads the statistics of all workers."""

    def __init__(self, metrics: Registry) -> None:
        """Initialize the statistics reader.

        Args:
            metrics: Registry of the process's metrics.
        """
        self._metrics = metrics

    def count_failure(self, manifest: Manifest) -> None:
        """Count a call that this version did not answer."""
        self._metrics.counter(FAILURES, manifest.name, manifest.version).inc()

    def read(self, versions: Sequence[tuple[str, str]]) -> list[ModelStatistics]:
        """Read the statistics of versions, over all workers; takes a millisecond.

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
