"""Metrics of the pets domain: answers by pet, and warnings."""

from collections.abc import Iterable

from app.bundle.manifest import Manifest
from app.domains.api import Warning
from app.telemetry.metrics import Family, Registry

ANSWERS = Family("pets_answers_total", "Pictures classified, by pet.", "counter", ("model", "version", "pet"))
WARNINGS = Family("pets_warnings_total", "Warnings in answers about pictures, by code.", "counter", ("code",))


class PetsMetrics:
    """Counts the answers of one version."""

    def __init__(self, registry: Registry, manifest: Manifest) -> None:
        """Initialize the metrics.

        Args:
            registry: Registry that holds the values.
            manifest: Manifest of the version.
        """
        self._registry = registry
        self._version = (manifest.name, manifest.version)

    def count(self, pet: str, warnings: Iterable[Warning]) -> None:
        """Count an answer.

        Args:
            pet: ``cat`` or ``dog``.
            warnings: The warnings of the answer.
        """
        self._registry.counter(ANSWERS, *self._version, pet).inc()
        for warning in warnings:
            self._registry.counter(WARNINGS, warning["code"]).inc()
