"""Scores of finished bundles on labelled recipes, through their ONNX graphs, and their comparison."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from app.bundle.manifest import MODEL, Manifest
from app.bundle.store import Bundle
from training.arrays import Array, Groups
from training.cleaning import clean, rules
from training.errors import DataError
from training.export import predict_with_graph
from training.groups import related
from training.metrics import Rows, bands, bootstrap, errors, interval, resampled
from training.model import OUTPUTS
from training.sources import RecipeDataset
from training.spec import Spec

TOLERANCE = 0.1
"""IBU by which the second bundle's MAE may exceed the first's; predictions are rounded to one decimal."""
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

    def figures(self) -> dict[str, Any]:
        """Return the figures, each as ``value`` with its 95 % bootstrap interval over groups, and those by IBU band."""

        def of(rows: Rows) -> dict[str, float]:
            labels, predicted = self.labels[rows], self.predicted[rows]
            return {**errors(labels, predicted[:, 0]), **interval(labels, predicted[:, 1], predicted[:, 2])}

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
            "bands": bands(self.labels, self.predicted),
        }


class Comparison(NamedTuple):
    """The second bundle's MAE minus the first's, paired by beer, with a 95 % bootstrap interval over groups."""

    difference: float
    low: float
    high: float
    tolerance: float

    @property
    def worse(self) -> bool:
        """Whether the second is worse: by more than the tolerance, or significantly."""
        return self.difference > self.tolerance or self.low > 0


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


def compare(first: BundleScore, second: BundleScore, tolerance: float) -> Comparison:
    """Compare two bundles on the same beers.

    Args:
        first: Score of the released bundle.
        second: Score of the candidate.
        tolerance: IBU that the second's MAE may be above the first's.
    """
    gap = np.abs(second.predicted[:, 0] - second.labels) - np.abs(first.predicted[:, 0] - first.labels)
    low, high = bootstrap(gap, first.groups, SEED)
    return Comparison(float(gap.mean()), low, high, tolerance)


def _name(about: Manifest) -> str:
    return f"{about.name} {about.version}"
