"""Figures of the beer domain: how bitter the answers are, how wide their intervals, and what was warned of."""

from collections.abc import Sequence

from app.bundle.manifest import Manifest
from app.domains.beer.schema import Prediction
from app.domains.face import Warning
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


class BeerFigures:
    """Counts answers."""

    def __init__(self, registry: Registry) -> None:
        """Args:
        registry: Holds the figures.
        """
        self._registry = registry
        self._bound: dict[tuple[str, str], tuple[Distribution, Distribution]] = {}
        self._warnings: dict[str, int] = {}

    def answered(
        self,
        manifest: Manifest,
        ibu: Sequence[float],
        lower: Sequence[float],
        upper: Sequence[float],
        answers: Sequence[Prediction],
    ) -> None:
        """Count answers of one model.

        Args:
            manifest: Of the version that answered.
            ibu: Bitterness, IBU, of each beer.
            lower: Lower end of the interval, IBU, of each.
            upper: Upper end, IBU, of each.
            answers: The answers, for their warnings.
        """
        bound = self._bound.get((manifest.name, manifest.version))
        bitterness, width = bound or self._bind(manifest)
        if len(ibu) == 1:
            bitterness.add(ibu[0])
            width.add(upper[0] - lower[0])
        else:
            bitterness.add_all(ibu)
            width.add_all([high - low for low, high in zip(lower, upper, strict=True)])
        for answer in answers:
            if answer["warnings"]:
                self._warned(answer["warnings"])

    def _bind(self, manifest: Manifest) -> tuple[Distribution, Distribution]:
        labels = (manifest.name, manifest.version)
        bound = Distribution(self._registry, BITTERNESS, *labels), Distribution(self._registry, WIDTH, *labels)
        self._bound[labels] = bound
        return bound

    def _warned(self, warnings: Sequence[Warning]) -> None:
        for code in (warning["code"] for warning in warnings):
            place = self._warnings.get(code)
            if place is None:
                place = self._warnings[code] = self._registry.place(WARNINGS, code)
            self._registry.values[place] += 1.0
