"""Scores of finished bundles on labelled recipes, through their ONNX graphs, and their comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.bundle.manifest import MODEL, Manifest
from app.bundle.store import Bundle
from app.domains.beer.intervals import Intervals
from training.arrays import Array, Groups
from training.cleaning import clean, rules
from training.errors import DataError
from training.export import predict_with_graph
from training.groups import related
from training.metrics import Rows, bands, bootstrap, errors, interval, interval_score, resampled
from training.model import OUTPUTS
from training.sources import RecipeDataset
from training.spec import Spec

TOLERANCE = 0.1
"""IBU by which the second bundle's MAE may exceed the first's; predictions are rounded to one decimal."""
COVERAGE_TOLERANCE = 0.02
"""Share of beers by which the second bundle's coverage may be below the first's, where it is below what is promised."""
SCORE_TOLERANCE = 0.02
"""Part of the first bundle's mean interval score by which the second's may exceed it."""
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


class Difference(NamedTuple):
    """A figure of the second bundle minus the first's, paired by beer, with a 95 % bootstrap interval over groups."""

    difference: float
    low: float
    high: float
    tolerance: float

    @property
    def worse(self) -> bool:
        """Whether the second is worse in a figure that should be small: beyond the tolerance, or significantly."""
        return self.difference > self.tolerance or self.low > 0


class Comparison(NamedTuple):
    """How two bundles differ on the same beers."""

    mae: Difference
    missed: Difference
    """Share of beers outside the interval, one minus the coverage."""
    score: Difference
    """Mean interval score."""
    keeps_promise: bool
    """Whether the second bundle covers the share of beers that the first one promises."""

    @property
    def faults(self) -> list[str]:
        """The figures in which the second is worse: ``MAE``, ``coverage``, ``interval score``.

        A smaller coverage is no fault while it is as large as promised: the interval was too wide before.
        """
        found = {
            "MAE": self.mae.worse,
            "coverage": self.missed.worse and not self.keeps_promise,
            "interval score": self.score.worse,
        }
        return [name for name, worse in found.items() if worse]

    @property
    def worse(self) -> bool:
        """Whether the second is worse in any of the figures."""
        return bool(self.faults)


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


def compare(
    first: BundleScore, second: BundleScore, tolerance: float, coverage_tolerance: float = COVERAGE_TOLERANCE
) -> Comparison:
    """Compare two bundles on the same beers.

    Args:
        first: Score of the released bundle.
        second: Score of the candidate.
        tolerance: IBU that the second's MAE may be above the first's.
        coverage_tolerance: Share of beers that the second's coverage may be below the first's.
    """
    return compare_rows(
        row_figures(first.labels, first.predicted, first.promised),
        row_figures(second.labels, second.predicted, first.promised),
        first.groups,
        first.promised,
        tolerance,
        coverage_tolerance,
    )


class RowFigures(NamedTuple):
    """What a version's predictions are judged by, beer by beer, shape (n_rows,) each; smaller is better."""

    off: Array
    """Absolute error, IBU."""
    missed: Array
    """Whether the label is outside the interval; over repeats, the share of them."""
    score: Array
    """Interval score, IBU."""

    def where(self, rows: npt.NDArray[np.bool_]) -> "RowFigures":
        """Select rows."""
        return RowFigures(*(values[rows] for values in self))


def row_figures(labels: Array, predicted: Array, promised: float) -> RowFigures:
    """Compute the figures by beer.

    Args:
        labels: IBU, shape (n_rows,).
        predicted: shape (n_rows, 3) or (repeats, n_rows, 3): ibu, lower, upper. Figures are means over repeats.
        promised: Coverage by which the interval is judged.
    """
    ibu, lower, upper = np.moveaxis(predicted if predicted.ndim == 3 else predicted[np.newaxis], 2, 0)
    outside = ((labels < lower) | (upper < labels)).astype(np.float32)
    scores = interval_score(labels, lower, upper, promised)
    return RowFigures(*(found.mean(axis=0) for found in (np.abs(ibu - labels), outside, scores)))


def compare_rows(
    first: RowFigures,
    second: RowFigures,
    groups: Groups,
    promised: float,
    tolerance: float,
    coverage_tolerance: float = COVERAGE_TOLERANCE,
    score_tolerance: float = SCORE_TOLERANCE,
) -> Comparison:
    """Compare two versions' figures of the same beers.

    Args:
        first: Figures of the released version.
        second: Figures of the candidate.
        groups: A row's group of related beers, shape (n_rows,).
        promised: Coverage that the released version promises.
        tolerance: IBU that the second's MAE may be above the first's.
        coverage_tolerance: Share of beers that the second's coverage may be below the first's.
        score_tolerance: Part of the first's mean interval score that the second's may be above it.
    """
    return Comparison(
        _difference(second.off - first.off, groups, tolerance),
        _difference(second.missed - first.missed, groups, coverage_tolerance),
        _difference(second.score - first.score, groups, score_tolerance * float(first.score.mean())),
        bool(1 - second.missed.mean() >= promised),
    )


def _difference(gap: Array, groups: Groups, tolerance: float) -> Difference:
    low, high = bootstrap(gap, groups, SEED)
    return Difference(float(gap.mean()), low, high, tolerance)


def _name(about: Manifest) -> str:
    return f"{about.name} {about.version}"
