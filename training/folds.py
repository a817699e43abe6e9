"""Folds by group, balanced in rows: related beers are never on both sides."""

import numpy as np
import numpy.typing as npt

from training.errors import DataError


def split(groups: npt.NDArray[np.int64], folds: int, seed: int | list[int]) -> npt.NDArray[np.int64]:
    """Deal groups, in random order, each to the fold that holds the fewest rows so far.

    Args:
        groups: shape (n_rows,), a row's group.
        folds: Number of folds.
        seed: Seed or seed sequence of the order.

    Returns:
        shape (n_rows,), int64: a row's fold, 0 to folds - 1; no fold is empty.

    Raises:
        DataError: There are fewer groups than folds.
    """
    names, of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise DataError(f"{len(names)} groups of related beers cannot make {folds} folds")
    held = np.zeros(folds, dtype=np.int64)
    fold_of = np.zeros(len(names), dtype=np.int64)
    for group in np.random.default_rng(seed).permutation(len(names)):
        fold_of[group] = int(np.argmin(held))
        held[fold_of[group]] += sizes[group]
    return fold_of[of_row]
