"""Metrics of the beer domain: predicted bitterness, interval widths, warnings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.domains.api import Warning
from app.telemetry.handles import Counter
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
    """Counts the predictions of one version."""

    def __init__(self, registry: Registry, manifest: Manifest) -> None:
        """Initialize the metrics.

        Args:
            registry: Registry that holds the values.
            manifest: Manifest of the version.
        """
        labels = (manifest.name, manifest.version)
        self._registry = registry
        self._bitterness = registry.histogram(BITTERNESS, *labels)
        self._warnings: dict[str, Counter] = {}
        self._width = registry.histogram(WIDTH, *labels)

    def count(
        self, figures: NDArray[np.float64] | Sequence[Sequence[float]], warnings: Sequence[Sequence[Warning]]
    ) -> None:
        """Count predictions.

        Args:
            figures: Bitterness, lower end and upper end of the interval, IBU, shape (n_beers, 3); of a few beers a
                list is faster.
            warnings: Warnings of each beer.
        """
        if isinstance(figures, np.ndarray):
            ibu, lower, upper = figures.T
            self._bitterness.observe_many(ibu)
            self._width.observe_many(upper - lower)
        else:
            for ibu, lower, upper in figures:
                self._bitterness.observe(ibu)
                self._width.observe(upper - lower)
        for of_beer in filter(None, warnings):
            self._count_warnings(of_beer)

    def _count_warnings(self, warnings: Sequence[Warning]) -> None:
        for code in (warning["code"] for warning in warnings):
            counter = self._warnings.get(code)
            if counter is None:
                counter = self._warnings[code] = self._registry.counter(WARNINGS, code)
            counter.inc()
