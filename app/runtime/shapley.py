"""Reasons: exact Shapley values of groups of columns against a background.

A prediction is shared out among groups of inputs as Shapley (1953) shares a game's worth among its players: the value
of a coalition is the mean prediction over the background rows when the coalition's columns are the beer's and the
others are the background's (the interventional form of Lundberg and Lee 2017). With few groups every coalition is
computed, so nothing is sampled.
"""

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Values = NDArray[np.float64]


class ShapleyExplainer:
    """Exact Shapley values of one row at a time."""

    def __init__(
        self, groups: Sequence[Sequence[int]], background: Rows, predict: Callable[[Rows], NDArray[np.float32]]
    ) -> None:
        """Initialize the shapley explainer.

        Args:
            groups: Columns of each group; together every column once.
            background: Representative rows, shape (n_background, n_columns), float32.
            predict: Rows, shape (n, n_columns), to values, shape (n,) or (n, 1).

        Raises:
            ValueError: The groups are not a partition of the columns.
        """
        columns = sorted(column for group in groups for column in group)
        if columns != list(range(background.shape[1])):
            raise ValueError("the groups are not a partition of the columns")
        self._background = background
        self._predict = predict
        count = len(groups)
        coalitions = np.array([[bool(mask >> g & 1) for g in range(count)] for mask in range(2**count)])
        owner = np.zeros(background.shape[1], dtype=np.intp)
        for number, group in enumerate(groups):
            owner[list(group)] = number
        self._takes = coalitions[1:-1][:, owner]
        self._weights = _weights(coalitions)
        self.base_value = float(np.asarray(predict(background), dtype=np.float64).mean())
        """Mean prediction over the background."""

    def contributions(self, row: Rows) -> Values:
        """What each group adds to the base value.

        Args:
            row: Shape (n_columns,), float32.

        Returns:
            Shape (n_groups,); with `base_value` they add up to the row's prediction.
        """
        mixed = np.where(self._takes[:, None, :], row, self._background).reshape(-1, len(row))
        predicted = np.asarray(self._predict(np.concatenate([mixed, row[None]])), dtype=np.float64).ravel()
        means = predicted[:-1].reshape(len(self._takes), -1).mean(axis=1)
        worth = np.concatenate([[self.base_value], means, predicted[-1:]])
        result: Values = self._weights @ worth
        return result


def _weights(coalitions: NDArray[np.bool_]) -> Values:
    """Matrix that turns coalitions' worths, in the order of their bit masks, into Shapley values.

    A coalition of s players out of n counts for its member with (s - 1)! (n - s)! / n!, and against each player
    outside it with s! (n - s - 1)! / n!.
    """
    count = coalitions.shape[1]
    size = coalitions.sum(axis=1)
    joined = np.array([factorial(s - 1) * factorial(count - s) if s else 0 for s in size]) / factorial(count)
    apart = np.array([factorial(s) * factorial(count - s - 1) if s < count else 0 for s in size]) / factorial(count)
    weights: Values = np.where(coalitions, joined[:, None], -apart[:, None]).T
    return weights
