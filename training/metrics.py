"""Figures of predictions: errors, interval, bands, and bootstrap intervals over groups."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.arrays import Array, Groups

Rows = npt.NDArray[np.intp]
WITHIN = 10.0
BANDS = (3.0, 20.0, 40.0, 60.0, 80.0, 150.0)
RESAMPLES = 2000
TOP = 0.8


def errors(labels: Array, predicted: Array) -> dict[str, float]:
    """Compute the errors of point predictions: MAE, RMSE, median AE, R2, share within 10 IBU.

    Args:
        labels: shape (n_rows,), IBU.
        predicted: shape (n_rows,), IBU.
    """
    off = np.abs(predicted - labels).astype(np.float64)
    spread = np.square(labels - labels.mean()).sum()
    return {
        "mae": float(off.mean()),
        "rmse": float(np.sqrt(np.square(off).mean())),
        "median_ae": float(np.median(off)),
        "r2": float(1 - np.square(off).sum() / max(spread, 1e-9)),
        "within_10": float((off <= WITHIN).mean()),
    }


def interval(labels: Array, lower: Array, upper: Array) -> dict[str, float]:
    """Compute the figures of intervals: coverage, coverage in the top fifth of labels, mean width.

    Args:
        labels: shape (n_rows,), IBU.
        lower: shape (n_rows,), IBU.
        upper: shape (n_rows,), IBU.
    """
    held = (lower <= labels) & (labels <= upper)
    top = labels >= np.quantile(labels, TOP)
    return {
        "coverage": float(held.mean()),
        "coverage_top_fifth": float(held[top].mean()),
        "width": float((upper - lower).mean()),
    }


def interval_score(labels: Array, lower: Array, upper: Array, coverage: float) -> Array:
    """Compute the interval score of each row: the width, plus 2 / (1 - coverage) times the distance of a label outside.

    The mean is smallest for the true quantiles, so an interval can win neither by width nor by narrowness alone.
    Winkler (1972), JASA 67:187; Gneiting and Raftery (2007), JASA 102:359, equation 43.

    Args:
        labels: shape (n_rows,), IBU.
        lower: shape (n_rows,), IBU.
        upper: shape (n_rows,), IBU.
        coverage: Share of rows that the interval promises to cover.

    Returns:
        shape (n_rows,), IBU; smaller is better.
    """
    missed = np.maximum(lower - labels, 0) + np.maximum(labels - upper, 0)
    score: Array = (upper - lower) + np.float32(2 / (1 - coverage)) * missed
    return score


def bands(labels: Array, predicted: Array, coverage: float) -> list[dict[str, float]]:
    """Compute figures by band of the label.

    Args:
        labels: shape (n_rows,), IBU.
        predicted: shape (n_rows, 3): ibu, lower, upper.
        coverage: Share of rows that the interval promises to cover.

    Returns:
        For each band with rows: ``from``, ``to`` (exclusive, except in the last band), ``rows``, ``mae``,
        ``bias`` (mean of predicted minus label), ``coverage``, ``width``, ``interval_score``.
    """
    band = np.clip(np.searchsorted(BANDS, labels, side="right") - 1, 0, len(BANDS) - 2)
    found = []
    for index, (low, high) in enumerate(zip(BANDS[:-1], BANDS[1:], strict=True)):
        y, p = labels[band == index], predicted[band == index]
        if len(y):
            found.append({"from": low, "to": high, "rows": len(y), **_part(y, p, coverage)})
    return found


def by_kind(labels: Array, predicted: Array, kinds: Sequence[str], coverage: float) -> list[dict[str, Any]]:
    """Compute figures by kind of beer.

    Args:
        labels: shape (n_rows,), IBU.
        predicted: shape (repeats, n_rows, 3): ibu, lower, upper.
        kinds: Each row's kind; empty leaves the row out.
        coverage: Share of rows that the interval promises to cover.

    Returns:
        For each kind, in order of their names: ``kind``, ``rows`` (each beer once), and the figures of `bands`.
    """
    of_row = np.array(kinds)
    found = []
    for kind in sorted(set(kinds) - {""}):
        rows = of_row == kind
        y = np.tile(labels[rows], len(predicted))
        found.append({"kind": kind, "rows": int(rows.sum()), **_part(y, predicted[:, rows].reshape(-1, 3), coverage)})
    return found


def _part(labels: Array, predicted: Array, coverage: float) -> dict[str, float]:
    held = interval(labels, predicted[:, 1], predicted[:, 2])
    return {
        "mae": errors(labels, predicted[:, 0])["mae"],
        "bias": float((predicted[:, 0] - labels).mean()),
        "coverage": held["coverage"],
        "width": held["width"],
        "interval_score": float(interval_score(labels, predicted[:, 1], predicted[:, 2], coverage).mean()),
    }


def bootstrap(
    values: Array, groups: Groups, seed: int, resamples: int = RESAMPLES, level: float = 0.95
) -> tuple[float, float]:
    """Compute the percentile interval of a mean over rows by resampling whole groups.

    Args:
        values: shape (n_rows,).
        groups: A row's group, shape (n_rows,).
        seed: Random seed.
        resamples: Number of resamples.
        level: Confidence level.
    """
    _, of_row = np.unique(groups, return_inverse=True)
    sums = np.bincount(of_row, weights=values)
    sizes = np.bincount(of_row)
    drawn = np.random.default_rng(seed).integers(0, len(sums), size=(resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled(
    figures: Callable[[Rows], dict[str, float]],
    groups: Groups,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Compute percentile intervals of figures by resampling whole groups.

    Args:
        figures: Computes figures from indexes of rows, which may repeat.
        groups: A row's group, shape (n_rows,).
        seed: Random seed.
        resamples: Number of resamples.
        level: Confidence level.
    """
    _, of_row = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(of_row, kind="stable"), np.cumsum(np.bincount(of_row))[:-1])
    drawn = np.random.default_rng(seed).integers(0, len(members), size=(resamples, len(members)))
    found = [figures(np.concatenate([members[group] for group in draw])) for draw in drawn]
    cuts = [(1 - level) / 2, (1 + level) / 2]
    return {name: tuple(np.quantile([one[name] for one in found], cuts).tolist()) for name in found[0]}


def duplicates(inputs: Array, labels: Array) -> dict[str, float]:
    """Compare the labels of rows with equal inputs; no model of these inputs can have a smaller error on them.

    Args:
        inputs: shape (n_rows, n_inputs), NaN equal to NaN.
        labels: shape (n_rows,), IBU.

    Returns:
        ``groups`` of at least two rows, their ``rows``, the number of groups with ``differing`` labels, and ``mae``,
        the mean distance of the labels from their group's median.
    """
    members: dict[bytes, list[float]] = {}
    for row, label in zip(inputs, labels, strict=True):
        members.setdefault(row.tobytes(), []).append(float(label))
    groups = [np.array(group) for group in members.values() if len(group) > 1]
    off = [float(gap) for group in groups for gap in np.abs(group - np.median(group))]
    return {
        "groups": len(groups),
        "rows": len(off),
        "differing": sum(bool(np.ptp(group)) for group in groups),
        "mae": float(np.mean(off)) if off else 0.0,
    }


def over_repeats(figures: Callable[[int], dict[str, float]], repeats: int) -> dict[str, float]:
    """Compute mean and standard deviation of figures over repeats.

    Args:
        figures: Computes the figures of a repeat, by its index.
        repeats: Number of repeats.

    Returns:
        For each figure ``name`` (mean) and ``name_sd``.
    """
    of_repeats = [figures(index) for index in range(repeats)]
    summary = {}
    for name in of_repeats[0]:
        values = [repeat[name] for repeat in of_repeats]
        summary[name] = float(np.mean(values))
        summary[f"{name}_sd"] = float(np.std(values))
    return summary
