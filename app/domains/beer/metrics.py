"""Figures of the beer domain: how bitter the answers are, how wide their intervals, and what was warned of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.domains.api import Warning
from app.telemetry.distribution import Distribution
from app.telemetry.metrics import Family, Registry

_MODEL = ("model", "version")
BITTERNESS = Family(
    "beer_predicted_bitterness_ibu",
    "Bitterness answered, IBU.",
    "histogram",
    _MODEL,
    (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0, 60.0, 70.0, 80.0, 100.0, 120.0, 150.0),
)
WIDTH = Family(
    "beer_interval_width_ibu",
    "Upper less lower end of the interval answered, IBU.",
    "histogram",
    _MODEL,
    (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 120.0, 150.0, 200.0),
)
WARNINGS = Family("beer_warnings_total", "Warnings in answers, by code.", "counter", ("code",))


class BeerMetrics:
    """Counts the answers of one version."""

    def __init__(self, registry: Registry, manifest: Manifest) -> None:
        """Initialize the beer metrics.

        Args:
            registry: Holds the figures.
            manifest: Of the version.
        """
        labels = (manifest.name, manifest.version)
        self._registry = registry
        self._bitterness = Distribution(registry, BITTERNESS, *labels)
        self._warnings: dict[str, int] = {}
        self._width = Distribution(registry, WIDTH, *labels)

    def answered(self, figures: NDArray[np.float64], warnings: Sequence[Sequence[Warning]]) -> None:
        """Count answers.

        Args:
            figures: Bitterness, lower and upper end of the interval of each beer, IBU, shape (n_beers, 3).
            warnings: Of each beer.
        """
        widths = figures[:, 2] - figures[:, 1]
        self._bitterness.add_all(figures[:, 0])
        self._width.add_all(widths)
        for found in filter(None, warnings):
            self._warned(found)

    def _warned(self, warnings: Sequence[Warning]) -> None:
        for code in (warning["code"] for warning in warnings):
            place = self._warnings.get(code)
            if place is None:
                place = self._warnings[code] = self._registry.place(WARNINGS, code)
            self._registry.values[place] += 1.0
