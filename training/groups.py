"""Groups of related beers: a beer under several names must not be in training and test data at once."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.beer.bills import bill_key

FAMILY_WORDS = 3
"""Leading or closing words that the names of a family share, such as ``hello my name`` or ``ipa is dead``."""
FAMILY_NAMES = 3
"""Number of names that must share them; two may do so by chance."""
ROOT_LETTERS = 3
"""Minimum length of a root; a shorter one (``ab`` of AB:01 and AB:02) numbers a series of unlike beers."""

AGEING = frozenset({"barrel", "aged", "ba"})
"""Words for the ageing of a finished beer; its recipe is the same."""

_PARENTHESES = re.compile(r"\([^)]*\)")
_NO_LETTER = re.compile(r"[\W\d_]+")
_DOUBLED = re.compile(r"(\w)\1+")


def name_root(name: str) -> str:
    """Reduce a name to what a beer's editions share.

    Lower case, without parentheses, digits, punctuation, single letters and words for ageing. Doubled letters, which
    are often misspelt, are written once: ``Sonic Boom V2 (Fanzine)`` becomes ``sonic bom``.
    """
    bare = _NO_LETTER.sub(" ", _PARENTHESES.sub(" ", name.lower().replace("'", "").replace("’", "")))
    words = [word for word in bare.split() if len(word) > 1 and word not in AGEING]
    return _DOUBLED.sub(r"\1", " ".join(words))


def families(roots: Iterable[str]) -> set[tuple[str, ...]]:
    """Find the sequences of words with which several names begin or end.

    Args:
        roots: Roots of names; equal roots count once.

    Returns:
        Sequences of FAMILY_WORDS words, with ``^`` before those at the beginning and ``$`` after those at the end.
    """
    seen = Counter(run for root in set(roots) for run in set(_runs(root)))
    return {run for run, names in seen.items() if names >= FAMILY_NAMES}


def _runs(root: str) -> list[tuple[str, ...]]:
    words = root.split()
    if len(words) < FAMILY_WORDS:
        return []
    return [("^", *words[:FAMILY_WORDS]), (*words[-FAMILY_WORDS:], "$")]


def join(keys: Sequence[Iterable[Hashable]]) -> npt.NDArray[np.int64]:
    """Join rows that share a key, transitively.

    Args:
        keys: Each row's keys.

    Returns:
        Index of the first row of each row's group, shape (n_rows,).
    """
    parent = list(range(len(keys)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    first: dict[Hashable, int] = {}
    for row, of_row in enumerate(keys):
        for key in of_row:
            a, b = root(first.setdefault(key, row)), root(row)
            parent[max(a, b)] = min(a, b)
    return np.array([root(row) for row in range(len(keys))], dtype=np.int64)


def related(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Group related beers.

    Two beers are related if their names have the same root or family, if their ABV, OG and FG are all equal, or if
    their hop bills are. The relation is transitive.

    Args:
        frame: Cleaned beers, shape (n_rows,).

    Returns:
        Each row's group, shape (n_rows,).
    """
    roots = [name_root(name) if isinstance(name, str) else "" for name in frame["name"]]
    known = families(roots)
    vitals = frame[["abv", "target_og", "target_fg"]].itertuples(index=False, name=None)
    bills = frame["beer"].map(bill_key)
    keys: list[list[Hashable]] = []
    for root, figures, bill in zip(roots, vitals, bills, strict=True):
        named = [root] if sum(map(len, root.split())) >= ROOT_LETTERS else []
        keys.append([*named, *(run for run in _runs(root) if run in known), figures, *([bill] if bill else [])])
    return join(keys)
