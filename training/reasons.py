"""The data of a bundle's reasons: groups of inputs, and representative rows as their background."""

import numpy as np
import numpy.typing as npt

from app.bundle.manifest import Explanation, Group
from training.arrays import Array
from training.spec import Spec, groups

EXPLAINED = "ibu"


def spread(answers: Array, count: int) -> npt.NDArray[np.intp]:
    """Choose rows spread evenly over the predictions: the middle one of each of ``count`` equal parts by rank.

    The base value is then close to the mean prediction, and mild and bitter beers have their share.

    Args:
        answers: Predictions of the explained output, shape (n_rows,).
        count: Number of parts.

    Returns:
        Indexes of the rows, shape (min(count, n_rows),); deterministic.
    """
    count = min(count, len(answers))
    ranks = ((np.arange(count) + 0.5) * len(answers) / count).astype(np.int64)
    return np.argsort(answers, kind="stable")[ranks]


def explanation(spec: Spec, inputs: Array, answers: Array) -> Explanation:
    """Build the manifest's part on reasons.

    Args:
        spec: The model, with its groups of inputs.
        inputs: Training rows, shape (n_rows, n_inputs).
        answers: The model's predictions for them, IBU, shape (n_rows,).
    """
    rows = inputs[np.sort(spread(answers, spec.background))]
    background = {
        column.name: [None if np.isnan(value) else float(value) for value in values]
        for column, values in zip(spec.inputs, rows.T, strict=True)
    }
    explained = tuple(Group(name=name, inputs=columns) for name, columns in groups(spec).items())
    return Explanation(output=EXPLAINED, groups=explained, background=background)
