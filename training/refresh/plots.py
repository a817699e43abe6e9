"""Plots of the report about a candidate."""

import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.arrays import Array
from training.comparison import Difference
from training.refresh.contest import Mask, Match

_ACTIVE, _CANDIDATE, _SOFT, _WARN = "#8a8f98", "#1f5a7a", "#b9cdd8", "#c8553d"
_DPI = 110


class Panel(NamedTuple):
    """An input and its distributions, by what they are of."""

    title: str
    quantiles: Mapping[str, Array]
    """The least value, the nine inner deciles and the largest, shape (11,) each."""


def png(figure: Figure) -> bytes:
    """Draw a figure; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def errors(labels: Array, predicted: Array, fresh: Mask) -> Figure:
    """Plot the candidate's held-out predictions against the labels; fresh beers stand out.

    Args:
        labels: IBU, shape (n_rows,).
        predicted: Means over repeats, IBU, shape (n_rows,).
        fresh: Whether the active version never saw the beer, shape (n_rows,).
    """
    figure, (axis,) = _figure(1, (6.0, 4.2))
    for rows, colour, name in (
        (~fresh, _CANDIDATE, "the active version knew the beer or a related one"),
        (fresh, _WARN, "fresh beers"),
    ):
        if rows.any():
            label = f"{name} ({rows.sum()})"
            axis.scatter(labels[rows], predicted[rows], color=colour, s=16, alpha=0.6, linewidths=0.0, label=label)
    end = float(max(labels.max(), predicted.max())) + 5
    axis.plot([0, end], [0, end], color=_ACTIVE, linewidth=1)
    axis.set(xlabel="IBU of the label", ylabel="IBU predicted", xlim=(0, end), ylim=(0, end))
    axis.set_title("Candidate: held-out predictions, mean over repeats", fontsize=10)
    figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    return figure


def differences(matches: Mapping[str, Match]) -> Figure:
    """Plot the differences between candidate and active version with their 95 % intervals and tolerances.

    Args:
        matches: The comparisons, by the beers that they are on.
    """
    figure, axes = _figure(3, (9.0, 1.5 + 0.6 * len(matches)))
    found = [(match.found.mae, match.found.missed, match.found.score) for match in matches.values()]
    names = [f"{name}\n{len(match.labels)} beers" for name, match in matches.items()]
    titles = ("MAE, IBU", "share outside the interval", "interval score, IBU")
    for place, (axis, title) in enumerate(zip(axes, titles, strict=True)):
        for line, of_match in enumerate(found):
            _gap(axis, line, of_match[place])
        axis.axvline(0, color=_ACTIVE, linewidth=1)
        axis.set_yticks(range(len(names)), names if place == 0 else [""] * len(names), fontsize=8)
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.set_title(title, fontsize=9)
        axis.tick_params(axis="x", labelsize=8)
    figure.suptitle("Candidate minus active version, 95 % interval; left of 0 is better", fontsize=10)
    return figure


def _gap(axis: Axes, line: int, gap: Difference) -> None:
    colour = _WARN if gap.worse else _CANDIDATE
    axis.plot([gap.low, gap.high], [line, line], color=colour, linewidth=3, solid_capstyle="round")
    axis.plot([gap.difference], [line], "o", color=colour)
    if np.isfinite(gap.tolerance):
        axis.plot([gap.tolerance] * 2, [line - 0.3, line + 0.3], color=_WARN, linewidth=1, linestyle=":")


def inputs(panels: Sequence[Panel]) -> Figure:
    """Plot the inputs of both training sets and of recent requests.

    Args:
        panels: The inputs.
    """
    lines = max(len(panel.quantiles) for panel in panels)
    rows = -(-len(panels) // 3)
    figure, axes = _figure(len(panels), (9.0, 0.5 + rows * (0.8 + 0.3 * lines)))
    colours = (_ACTIVE, _CANDIDATE, _WARN)
    for place, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        for line, (values, colour) in enumerate(zip(panel.quantiles.values(), colours, strict=False)):
            axis.plot(values[[1, 9]], [line, line], color=colour, linewidth=1.5)
            axis.plot(values[[3, 7]], [line, line], color=colour, linewidth=5, solid_capstyle="butt")
            axis.plot(values[[5]], [line], "o", color="white", markeredgecolor=colour, markersize=5)
        axis.set_yticks(range(len(panel.quantiles)), list(panel.quantiles) if place % 3 == 0 else [], fontsize=8)
        axis.set_ylim(len(panel.quantiles) - 0.4, -0.6)
        axis.set_title(panel.title, fontsize=9)
        axis.tick_params(axis="x", labelsize=8)
    figure.suptitle("Middle 80 % (thin), middle 40 % (thick) and median", fontsize=10)
    return figure


def _figure(places: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    columns = min(places, 3)
    figure = Figure(figsize=size, layout="constrained")
    axes = [figure.add_subplot(-(-places // columns), columns, place + 1) for place in range(places)]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes
