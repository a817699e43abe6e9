"""The reliability plot: accuracy against confidence."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

_MAIN, _SOFT = "#1f5a7a", "#b9cdd8"


def reliability_png(points: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """Plot accuracy against confidence.

    Args:
        points: Points by name of the set of photos, each with photos, confidence and accuracy.

    Returns:
        A PNG file.
    """
    figure = Figure(figsize=(4.8, 4.4), layout="constrained")
    axis = figure.add_subplot()
    axis.plot([0.5, 1], [0.5, 1], color="grey", linewidth=1, linestyle=":")
    for (name, bins), colour in zip(points.items(), (_MAIN, _SOFT), strict=False):
        largest = max(point["photos"] for point in bins)
        axis.plot([p["confidence"] for p in bins], [p["accuracy"] for p in bins], color=colour, label=name)
        axis.scatter(
            [p["confidence"] for p in bins],
            [p["accuracy"] for p in bins],
            color=colour,
            s=[20 + 180 * p["photos"] / largest for p in bins],
        )
    axis.set(xlabel="confidence", ylabel="share that is right", title="Reliability; areas show how many photos")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90, metadata={"Software": None})
    return file.getvalue()
