"""The reliability plot: what was right against what was said."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

_MAIN, _SOFT = "#1f5a7a", "#b9cdd8"


def reliability_png(points: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """The plot as a PNG.

    Args:
        points: Name of a set of photos to its points, each with photos, confidence and accuracy.
    """
    figure = Figure(figsize=(4.8, 4.4), layout="constrained")
    axis = figure.add_subplot()
    axis.plot([0.5, 1], [0.5, 1], color="grey", linewidth=1, linestyle=":")
    for (name, found), colour in zip(points.items(), (_MAIN, _SOFT), strict=False):
        most = max(point["photos"] for point in found)
        axis.plot([p["confidence"] for p in found], [p["accuracy"] for p in found], color=colour, label=name)
        axis.scatter(
            [p["confidence"] for p in found],
            [p["accuracy"] for p in found],
            color=colour,
            s=[20 + 180 * p["photos"] / most for p in found],
        )
    axis.set(xlabel="confidence", ylabel="share that is right", title="Reliability; areas show how many photos")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90, metadata={"Software": None})
    return file.getvalue()
