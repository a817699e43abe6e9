"""Plots of data and model for the notebooks."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.arrays import Array
from training.evaluate import Evaluation
from training.model import Model

_MAIN, _SOFT, _WARN = "#1f5a7a", "#b9cdd8", "#c8553d"


def _figure(places: int = 1) -> tuple[Figure, list[Axes]]:
    columns = min(places, 3)
    rows = -(-places // columns)
    size = (6.4, 3.8) if places == 1 else (9.0, 3.8 if rows == 1 else 2.8 * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(places)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def labels(stated: Array) -> Figure:
    """Plot how often each IBU is stated, and how many labels are multiples of 5.

    Args:
        stated: Labels, shape (n_rows,), IBU.
    """
    figure, (axis,) = _figure()
    fives = stated % 5 == 0
    axis.hist(
        [stated[fives], stated[~fives]],
        bins=[5.0 * n - 2.5 for n in range(32)],
        stacked=True,
        color=[_MAIN, _WARN],
        label=[f"multiples of 5 ({fives.mean():.0%})", "others"],
    )
    axis.set(xlabel="stated IBU", ylabel="beers", title="Labels")
    axis.legend(frameon=False)
    return figure


def against_label(evaluation: Evaluation) -> Figure:
    """Plot held-out predictions against labels and residuals against predictions, mean over repeats.

    Args:
        evaluation: Held-out predictions.
    """
    figure, (left, right) = _figure(2)
    stated, predicted = evaluation.data.labels, evaluation.predicted[:, :, 0].mean(axis=0)
    left.scatter(stated, predicted, color=_MAIN, s=14, alpha=0.6, linewidths=0.0)
    end = float(stated.max()) + 5
    left.plot([0, end], [0, end], color=_WARN, linewidth=1)
    left.set(xlabel="stated IBU", ylabel="predicted IBU", xlim=(0, end), ylim=(0, end), title="Predicted and stated")
    right.scatter(predicted, predicted - stated, color=_MAIN, s=14, alpha=0.6, linewidths=0.0)
    right.axhline(0, color=_WARN, linewidth=1)
    right.set(xlabel="predicted IBU", ylabel="predicted - stated", title="Residuals")
    return figure


def intervals(evaluation: Evaluation) -> Figure:
    """Plot held-out intervals by beer, and the error by the interval's width.

    Args:
        evaluation: Held-out predictions.
    """
    figure, (left, right) = _figure(2)
    stated, first = evaluation.data.labels, evaluation.predicted[0]
    order = np.argsort(stated, kind="stable")
    place = np.arange(len(order))
    missed = (stated < first[:, 1]) | (stated > first[:, 2])
    left.vlines(place, first[order, 1], first[order, 2], color=_SOFT, linewidth=1)
    for found, colour, name in ((~missed, _MAIN, "held"), (missed, _WARN, "missed")):
        left.scatter(place[found[order]], stated[order][found[order]], color=colour, s=8, label=name)
    left.set(xlabel="beers by stated IBU", ylabel="IBU", title="Intervals of one repeat")
    left.legend(frameon=False)
    width, off = _by_fifth(evaluation)
    right.plot(width, off, "o-", color=_MAIN)
    right.set(xlabel="mean width of the interval", ylabel="mean absolute error", title="Fifths by width")
    right.set_ylim(bottom=0)
    return figure


def _by_fifth(evaluation: Evaluation) -> tuple[list[float], list[float]]:
    width = (evaluation.predicted[:, :, 2] - evaluation.predicted[:, :, 1]).ravel()
    off = np.abs(evaluation.predicted[:, :, 0] - evaluation.data.labels).ravel()
    fifths = np.array_split(np.argsort(width, kind="stable"), 5)
    return [float(width[rows].mean()) for rows in fifths], [float(off[rows].mean()) for rows in fifths]


def coverage(evaluation: Evaluation, promised: float) -> Figure:
    """Plot coverage by band of the label.

    Args:
        evaluation: Held-out predictions.
        promised: Coverage that the interval promises.
    """
    figure, (axis,) = _figure()
    bands = evaluation.by_band()
    names = [f"{band['from']:g}-{band['to']:g}\nn = {band['rows']:g}" for band in bands]
    axis.bar(names, [band["coverage"] for band in bands], color=_MAIN, width=0.6)
    axis.axhline(promised, color=_WARN, linewidth=1)
    axis.annotate(f"promised {promised:.0%}", (0, promised), xytext=(-0.4, promised + 0.02), color=_WARN)
    axis.set(xlabel="stated IBU", ylabel="share held", ylim=(0, 1.1), title="Coverage of held-out beers")
    return figure


def width_and_error(evaluation: Evaluation) -> Figure:
    """Plot the interval's width against the absolute error by held-out beer, and the mean of each fifth.

    Args:
        evaluation: Held-out predictions.
    """
    figure, (axis,) = _figure()
    width = (evaluation.predicted[:, :, 2] - evaluation.predicted[:, :, 1]).mean(axis=0)
    off = np.abs(evaluation.predicted[:, :, 0] - evaluation.data.labels).mean(axis=0)
    axis.scatter(width, off, color=_MAIN, s=14, alpha=0.5, linewidths=0.0, label="a beer, mean over repeats")
    axis.plot(*_by_fifth(evaluation), "o-", color=_WARN, label="fifths by width")
    axis.set(xlabel="width of the interval, IBU", ylabel="absolute error, IBU", title="Width follows difficulty")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
    return figure


def reasons(explained: Mapping[str, tuple[float, Mapping[str, float]]]) -> Figure:
    """Plot the reasons of predictions: from the base value, group by group, to the prediction.

    Args:
        explained: Base value and each group's contribution, IBU, by beer; all beers have the same groups.
    """
    figure, axes = _figure(len(explained))
    for axis, (name, (base, shares)) in zip(axes, explained.items(), strict=True):
        start = base
        for place, share in enumerate(shares.values()):
            axis.barh(place, share, left=start, color=_MAIN if share >= 0 else _WARN, height=0.6)
            axis.annotate(f"{share:+.1f}", (max(start, start + share) + 2, place), va="center", fontsize=8)
            start += share
        axis.axvline(base, color=_SOFT, linewidth=1, zorder=0)
        axis.axvline(start, color=_MAIN, linewidth=1, linestyle=":", zorder=0)
        axis.set_yticks(range(len(shares)), list(shares) if axis is axes[0] else [""] * len(shares))
        axis.invert_yaxis()
        axis.set(xlabel="IBU", xlim=(0, 145))
        axis.set_title(f"{name}\n{base:.0f} on average, {start:.0f} here", fontsize=9)
    return figure


def effects(model: Model, inputs: Array, names: Sequence[str] | None = None) -> Figure:
    """Plot the mean prediction as one input changes and all others stay fixed.

    Args:
        model: The trained model.
        inputs: Beers, shape (n_rows, n_inputs).
        names: Inputs to plot; all by default.
    """
    columns = [
        i
        for i, column in enumerate(model.ensemble.spec.inputs)
        if np.ptp(_known(inputs[:, i])) > 0 and (names is None or column.name in names)
    ]
    figure, axes = _figure(len(columns))
    for axis, column in zip(axes, columns, strict=True):
        grid = np.quantile(_known(inputs[:, column]), np.linspace(0.02, 0.98, 25))
        means = []
        for value in grid:
            moved = inputs.copy()
            moved[:, column] = value
            means.append(model.predict(moved).mean(axis=0))
        mean = np.array(means)
        axis.fill_between(grid, mean[:, 1], mean[:, 2], color=_SOFT, alpha=0.5, linewidth=0)
        axis.plot(grid, mean[:, 0], color=_MAIN)
        axis.set(xlabel=model.ensemble.spec.inputs[column].name, ylabel="IBU", ylim=(0, 130))
    figure.suptitle("One figure moved, the others held: mean answer and mean interval", fontsize=10)
    return figure


def cleaned(steps: Mapping[str, int]) -> Figure:
    """Plot the rows that each cleaning rule affected.

    Args:
        steps: Rows by rule.
    """
    figure, (axis,) = _figure()
    axis.barh(list(steps)[::-1], list(steps.values())[::-1], color=_MAIN)
    axis.set(xlabel="rows", title="Cleaning")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _known(values: Array) -> Array:
    return values[~np.isnan(values)]
