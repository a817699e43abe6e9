"""Exact Shapley values of groups of inputs, against background rows.

A prediction is divided among groups of inputs as in Shapley (1953). The value of a coalition is the mean prediction
over the background rows, with the coalition's columns taken from the explained row and the other columns from the
background (the interventional form of Lundberg and Lee 2017). There are few groups, so every coalition is computed and
nothing is sampled.
"""

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Values = NDArray[np.float64]


class ShapleyExplainer:
    """Computes the exact Shapley values of one row at a time."""

    def __init__(
        self, groups: Sequence[Sequence[int]], background: Rows, predict: Callable[[Rows], NDArray[np.float32]]
    ) -> None:
        """Initialize the explainer.

        Args:
            groups: Columns of each group; each column is in exactly one group.
            background: Representative rows, shape (n_background, n_columns), float32.
            predict: Maps rows, shape (n, n_columns), to predictions, shape (n,) or (n, 1).

        Raises:
            ValueError: If the groups are not a partition of the columns.
        """
        columns = sorted(column for group in groups for column in group)
        if columns != list(range(background.shape[1])):
            raise ValueError("the groups are not a partition of the columns")
        self._background = background
        self._predict = predict
        count = len(groups)
        coalitions = np.array([[bool(mask >> g & 1) for g in range(count)] for mask in range(2**count)])
        owner = np.zeros(background.shape[1], dtype=np.intp)
        for index, group in enumerate(groups):
            owner[list(group)] = index
        self._takes = coalitions[:, owner]
        self._masks = np.arange(1, 2**count - 1)
        self._bits = 1 << np.arange(count)
        self._of_groups = owner == np.arange(count)[:, None]
        self._weights = _weights(coalitions)
        self.base_value = float(np.asarray(predict(background), dtype=np.float64).mean())
        """Mean prediction over the background rows."""

    def contributions(self, row: Rows) -> Values:
        """Compute the contribution of each group.

        Args:
            row: Shape (n_columns,), float32.

        Returns:
            Shape (n_groups,). `base_value` and the contributions add up to the row's prediction.
        """
        background, taken = self._background, self._takes
        equal = (background == row) | (np.isnan(background) & np.isnan(row))
        # a group in which the row equals a background row may as well be taken from it: many mixed rows are the same
        is_equal = ~(~equal[:, None] & self._of_groups).any(axis=2)
        masks = self._masks[:, None] | is_equal @ self._bits
        count = len(background)
        found, places = np.unique(masks * count + np.arange(count), return_inverse=True)
        mixed = np.where(taken[found // count], row, background[found % count])
        predicted = np.asarray(self._predict(np.concatenate([mixed, row[None]])), dtype=np.float64).ravel()
        means = predicted[places.reshape(masks.shape)].mean(axis=1)
        values = np.concatenate([[self.base_value], means, predicted[-1:]])
        result: Values = self._weights @ values
        return result


def _weights(coalitions: NDArray[np.bool_]) -> Values:
    """The matrix that maps the coalitions' values, in the order of their bit masks, to Shapley values.

    A coalition of s out of n groups has the weight (s - 1)! (n - s)! / n! for each of its members, and the weight
    -s! (n - s - 1)! / n! for every other group.
    """
    count = coalitions.shape[1]
    size = coalitions.sum(axis=1)
    inside = np.array([factorial(s - 1) * factorial(count - s) if s else 0 for s in size]) / factorial(count)
    outside = np.array([factorial(s) * factorial(count - s - 1) if s < count else 0 for s in size]) / factorial(count)
    weights: Values = np.where(coalitions, inside[:, None], -outside[:, None]).T
    return weights
