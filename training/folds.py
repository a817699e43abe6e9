"""Grouped folds, balanced in rows: related beers always share a fold."""

import numpy as np
import numpy.typing as npt

from training.errors import DataError


def split(groups: npt.NDArray[np.int64], folds: int, seed: int | list[int]) -> npt.NDArray[np.int64]:
    """Assign groups, in random order, each to the fold with the fewest rows so far.

    Args:
        groups: Each row's group, shape (n_rows,).
        folds: Number of folds.
        seed: Seed or seed sequence of the order.

    Returns:
        Each row's fold, 0 to folds - 1, shape (n_rows,), int64; no fold is empty.

    Raises:
        DataError: If there are fewer groups than folds.
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
