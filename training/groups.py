"""Groups of related beers: the same beer under several names must not stand on both sides of a fold."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

FAMILY_WORDS = 3
"""Leading or closing words that names of one family share: ``hello my name ...``, ``... ipa is dead``."""
FAMILY_NAMES = 3
"""Names that must share them: two may do so by chance."""
ROOT_LETTERS = 3
"""A shorter root (``ab`` of AB:01, AB:02, ...) numbers a series of unlike beers and says nothing."""

AGEING = frozenset({"barrel", "aged", "ba"})
"""Words for what is done to a finished beer: it stays the same recipe."""

_PARENTHESES = re.compile(r"\([^)]*\)")
_NO_LETTER = re.compile(r"[\W\d_]+")
_DOUBLED = re.compile(r"(\w)\1+")


def name_root(name: str) -> str:
    """A beer's name without what tells its editions apart.

    Lower case, without parentheses, digits, punctuation, single letters and words for ageing, doubled letters once
    (they are what gets misspelt): ``Sonic Boom V2 (Fanzine)`` becomes ``sonic bom``.
    """
    bare = _NO_LETTER.sub(" ", _PARENTHESES.sub(" ", name.lower().replace("'", "").replace("’", "")))
    words = [word for word in bare.split() if len(word) > 1 and word not in AGEING]
    return _DOUBLED.sub(r"\1", " ".join(words))


def families(roots: Iterable[str]) -> set[tuple[str, ...]]:
    """Word runs that open or close several different names.

    Args:
        roots: Names' roots; each counts once.

    Returns:
        Runs of FAMILY_WORDS words, with ``^`` before an opening and ``$`` behind a closing one.
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
        shape (n_rows,): the number of the first row of each row's group.
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
    """Groups of related beers.

    Two beers are related if their names have the same root or the same family, or if ABV, OG and FG are all equal;
    and so is whatever is related to either.

    Args:
        frame: Cleaned beers, shape (n_rows,).

    Returns:
        shape (n_rows,): a number for each group.
    """
    roots = [name_root(name) if isinstance(name, str) else "" for name in frame["name"]]
    known = families(roots)
    vitals = frame[["abv", "target_og", "target_fg"]].itertuples(index=False, name=None)
    keys: list[list[Hashable]] = []
    for root, figures in zip(roots, vitals, strict=True):
        named = [root] if sum(map(len, root.split())) >= ROOT_LETTERS else []
        keys.append([*named, *(run for run in _runs(root) if run in known), figures])
    return join(keys)
