"""Which rows are variants of one recipe: 200 variants of a beer that one brewer tries are one beer, not 200."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SESSION = 3600.0
"""Seconds within which a changed recipe counts as a try of the one before."""
NEIGHBOURS = 20
"""Number of rows before a row among which the try before it is looked for; callers' rows come in between."""
ALIKE = 0.4
"""Share of the stated inputs that two variants of one recipe have in common.

A brewer who changes the volume of a batch changes every hop input of ``beer-ibu-recipe``, and leaves nine of about 19
stated inputs as they are. Two of three inputs (alcohol and one gravity), or three of six, are common too."""

HOUR = 3600.0
"""Seconds over which recipes are counted for the largest number of an hour."""

_Rows = npt.NDArray[np.float32]


def one_of_each(rows: _Rows, times: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Choose rows that count as one recipe each.

    Of the last tries of all recipes, no hour has more than half of the hours with any: of busier ones, as many are
    taken, evenly. So a brewer who tries 200 variants in three evenings, each so different that it counts as a recipe of
    its own, counts as few, and a week in which the evenings are twice as busy as the days loses a quarter of its rows.

    Args:
        rows: Inputs, NaN where missing, shape (n_rows, n_inputs).
        times: When each row was answered, in seconds, shape (n_rows,).

    Returns:
        Indices of the rows, ascending by time.
    """
    last = last_tries(rows, times)
    if not len(last):
        return last
    hours = np.floor(np.asarray(times, np.float64)[last] / HOUR)
    _, starts, counts = np.unique(hours, return_index=True, return_counts=True)
    most = int(np.ceil(np.median(counts)))
    taken = [
        start + np.arange(min(count, most)) * count // min(count, most)
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True)
    ]
    chosen: npt.NDArray[np.int64] = last[np.concatenate(taken)]
    return chosen


def last_tries(rows: _Rows, times: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Find the last try of each recipe.

    Rows that are equal in every input are one recipe, whenever they were asked. So are two rows within an hour, not
    more than 20 rows apart, that have two fifths of the stated inputs in common, and whatever is connected by such
    pairs. A value of 0 counts as not stated: most beers have the same zeros.

    Args:
        rows: Inputs, NaN where missing, shape (n_rows, n_inputs).
        times: When each row was answered, in seconds, shape (n_rows,).

    Returns:
        Index of the last row of each recipe, ascending by time.
    """
    count = len(rows)
    if not count:
        return np.zeros(0, np.int64)
    order = np.argsort(times, kind="stable")
    when, values = np.asarray(times, np.float64)[order], np.ascontiguousarray(rows[order], np.float32)
    parent = np.arange(count)
    _, codes = np.unique(values.view(np.dtype((np.void, values.dtype.itemsize * values.shape[1]))), return_inverse=True)
    _join_equal(parent, codes.ravel())
    is_stated = ~np.isnan(values) & (values != 0)
    for apart in range(1, min(NEIGHBOURS, count - 1) + 1):
        earlier, later = slice(None, -apart), slice(apart, None)
        both = is_stated[earlier] & is_stated[later]
        either = (is_stated[earlier] | is_stated[later]).sum(axis=1)
        common = (both & (values[earlier] == values[later])).sum(axis=1)
        alike = (common > 0) & (common >= ALIKE * either) & (when[later] - when[earlier] <= SESSION)
        for index in np.flatnonzero(alike).tolist():
            _join(parent, index, index + apart)
    roots = [_root(parent, index) for index in range(count)]
    last = dict(zip(roots, range(count), strict=True))  # the last one stays
    return order[sorted(last.values())]


def _join_equal(parent: npt.NDArray[np.int64], codes: npt.NDArray[np.int64]) -> None:
    first: dict[int, int] = {}
    for index, code in enumerate(codes.tolist()):
        parent[index] = first.setdefault(code, index)


def _join(parent: npt.NDArray[np.int64], one: int, other: int) -> None:
    parent[_root(parent, one)] = _root(parent, other)


def _root(parent: npt.NDArray[np.int64], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = int(parent[index])
    return index
