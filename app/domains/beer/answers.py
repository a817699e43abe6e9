"""Answers: what one version of a model gave for some beers in the request's own words, with warnings, and counted."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.domains.api import ModelRef
from app.domains.beer.metrics import BeerMetrics
from app.domains.beer.plausibility import PlausibilityChecks
from app.domains.beer.recipe import Resolved
from app.domains.beer.schema import Prediction
from app.runtime.predictor import Array
from app.telemetry.metrics import Registry

OUTPUTS = ("ibu", "lower", "upper")


class Answers:
    """Makes the answers of one version."""

    def __init__(self, manifest: Manifest, registry: Registry) -> None:
        """Initialize the answers.

        Args:
            manifest: Of the version.
            registry: Holds the figures.
        """
        self.manifest = manifest
        self._model: ModelRef = {"name": manifest.name, "version": manifest.version}
        self._coverage = manifest.coverage or 0.0
        self._doubts = PlausibilityChecks(manifest)
        self._figures = BeerMetrics(registry, manifest)

    def make(
        self, rows: NDArray[np.float64], outputs: Mapping[str, Array], bills: Sequence[Resolved] = ()
    ) -> list[Prediction]:
        """Make the answers.

        Args:
            rows: What was asked, shape (n_rows, n_inputs); NaN is missing.
            outputs: What the version gave, shape (n_rows, 1) each, float32, IBU.
            bills: The beers' hop bills, if they have one; all have or none.

        Returns:
            One a row.
        """
        figures = np.concatenate([outputs[name] for name in OUTPUTS], axis=1).astype(np.float64)
        warnings = self._doubts.of_each(rows)
        if bills:
            warnings = [bill.warnings + found for bill, found in zip(bills, warnings, strict=True)]
        model, coverage = self._model, self._coverage
        answers: list[Prediction] = [
            {
                "ibu": ibu,
                "interval": {"lower": lower, "upper": upper, "coverage": coverage},
                "model": model,
                "warnings": found,
            }
            for (ibu, lower, upper), found in zip(tenths(figures).tolist(), warnings, strict=True)
        ]
        if bills:
            for bill, answer in zip(bills, answers, strict=True):
                answer["estimates"] = {"tinseth": round(bill.tinseth, 1)}
        self._figures.answered(figures, warnings)
        return answers


def tenths(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Figures rounded to 0.1 as `round` does it: ten times a float32 is exact in a float64, and so are the ties."""
    rounded: NDArray[np.float64] = np.rint(figures * 10.0) / 10.0
    return rounded
