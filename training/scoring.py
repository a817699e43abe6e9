"""Scores of finished bundles on labelled recipes, through their ONNX graphs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from app.bundle.manifest import MODEL, Manifest
from app.bundle.store import Bundle
from app.domains.beer.intervals import Intervals
from training.arrays import Array, Groups
from training.cleaning import clean, rules
from training.comparison import Comparison, Tolerances, compare_rows, row_figures
from training.errors import DataError
from training.export import predict_with_graph
from training.groups import related
from training.metrics import Rows, bands, errors, interval, interval_score, resampled
from training.model import OUTPUTS
from training.sources import RecipeDataset
from training.spec import Spec

COVERAGE = 0.9
"""Coverage promised by a bundle whose manifest does not state one."""
SEED = 0


@dataclass(frozen=True)
class BundleScore:
    """A bundle's predictions for labelled beers."""

    bundle: str
    """Name and version."""
    labels: Array
    """IBU, shape (n_rows,)."""
    predicted: Array
    """shape (n_rows, 3): ibu, lower, upper."""
    groups: Groups
    """A row's group of related beers, shape (n_rows,)."""
    seen: bool
    """Whether the bundle was trained on these data."""
    promised: float = COVERAGE
    """Share of beers that the interval promises to cover."""
    intervals: Mapping[float, Array] = field(default_factory=dict)
    """Lower and upper end of each calibrated interval by its coverage, shape (n_rows, 2)."""

    def figures(self) -> dict[str, Any]:
        """Return the figures, each as ``value`` with its 95 % bootstrap interval over groups, and those by IBU band."""

        def of(rows: Rows) -> dict[str, float]:
            labels, predicted = self.labels[rows], self.predicted[rows]
            return {
                **errors(labels, predicted[:, 0]),
                **interval(labels, predicted[:, 1], predicted[:, 2]),
                "interval_score": float(scores[rows].mean()),
            }

        scores = row_figures(self.labels, self.predicted, self.promised).score
        whole = of(np.arange(len(self.labels)))
        ranges = resampled(of, self.groups, SEED)
        return {
            "bundle": self.bundle,
            "n": len(self.labels),
            "groups": len(np.unique(self.groups)),
            "trained_on_these_data": self.seen,
            **{
                name: {"value": value, "low": ranges[name][0], "high": ranges[name][1]} for name, value in whole.items()
            },
            "bands": bands(self.labels, self.predicted, self.promised),
            "intervals": {
                f"{coverage:g}": _interval_figures(self.labels, ends, coverage)
                for coverage, ends in self.intervals.items()
            },
        }


def _interval_figures(labels: Array, ends: Array, coverage: float) -> dict[str, float]:
    lower, upper = ends.T
    score = float(interval_score(labels, lower, upper, coverage).mean())
    return {**interval(labels, lower, upper), "interval_score": score}


def score(bundle: Bundle, spec: Spec, dataset: RecipeDataset, frame: pd.DataFrame) -> BundleScore:
    """Score a bundle.

    Args:
        bundle: A verified bundle.
        spec: The model; makes the rows.
        dataset: Where the beers came from.
        frame: From `labelled`.

    Raises:
        DataError: If the bundle has an input that the spec does not have, or does not predict bitterness.
    """
    about = bundle.manifest
    place = {column.name: number for number, column in enumerate(spec.inputs)}
    unknown = [declared.name for declared in about.inputs if declared.name not in place]
    if unknown or not set(OUTPUTS) <= {output.name for output in about.outputs}:
        raise DataError(f"{_name(about)}: not a bundle that can be scored here {' '.join(unknown)}".rstrip())
    rows = np.ascontiguousarray(spec.rows(frame)[:, [place[declared.name] for declared in about.inputs]])
    return BundleScore(
        _name(about),
        frame["ibu"].to_numpy(np.float32),
        predict_with_graph(bundle.files[MODEL], rows),
        related(frame),
        about.training_data.sha256 == dataset.sha256,
        COVERAGE if about.coverage is None else about.coverage,
        {
            coverage: predict_with_graph(bundle.files[MODEL], rows, ends)
            for coverage, ends in Intervals(about).ends.items()
        },
    )


def labelled(dataset: RecipeDataset, specs: list[Spec]) -> pd.DataFrame:
    """Return the beers that all models can predict, cleaned as for training.

    Args:
        dataset: As read.
        specs: The models.

    Raises:
        DataError: If no row is left.
    """
    own = {rule.name: rule for spec in specs for rule in spec.rules()}
    return clean(dataset.recipes, (*rules(), *own.values()))[0]


def compare(first: BundleScore, second: BundleScore, tolerances: Tolerances) -> Comparison:
    """Compare two bundles on the same beers.

    Args:
        first: Score of the released bundle.
        second: Score of the candidate.
        tolerances: By how much the candidate may be worse.
    """
    return compare_rows(
        row_figures(first.labels, first.predicted, first.promised),
        row_figures(second.labels, second.predicted, first.promised),
        first.groups,
        first.promised,
        tolerances,
    )


def _name(about: Manifest) -> str:
    return f"{about.name} {about.version}"
