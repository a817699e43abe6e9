"""Recipes from files on disk, read by the rules of the service's files of beers: docs/files.md."""

import hashlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from app.batch.columns import columns_of
from app.batch.row import Limits, Row
from app.batch.rows import read_rows
from app.domains.beer.schema import Beer
from app.domains.validation import sanitize
from app.errors import InputError, Problem
from training.errors import SourceError
from training.sources.base import Recipe, TrainingSource
from training.sources.recipes import recipe

COLUMNS = columns_of(
    Beer,
    {
        "id": "verbatim",
        "name": "verbatim",
        "received": "verbatim",
        "ibu": "number",
        "volume": "json",
        "ingredients": "json",
    },
    required=False,
    others_kept=True,
)
"""The columns of a beer, and those of the Punk API."""
LIMITS = Limits(file_bytes=2**32, members=10**6, parsed_bytes=2**36, row_characters=10**7)
"""Limits on files, which are the user's own."""
SHOWN = 3
"""Number of invalid rows that an error lists."""
_COUNTED = "not_a_number"
"""Code of cells that are left to cleaning, which counts them."""
_MAX_NAME = 60


class RecipeFile(TrainingSource):
    """A file of recipes: JSON, or a table (CSV) with the Punk API's or the service's names as its header."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes in the file's order, and set the digest."""
        return iter(self._recipes())

    def _recipes(self) -> list[Recipe]:
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise SourceError(f"{self._path}: cannot be read: {error.strerror}") from None
        self.sha256 = hashlib.sha256(data).hexdigest()
        return [recipe(row) for row in rows_of(data, self.name)]


class JsonFolder(TrainingSource):
    """A folder of JSON files, sorted by name."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes of all files."""
        return chain.from_iterable(RecipeFile(path).recipes() for path in sorted(self._path.glob("*.json")))


def rows_of(data: bytes, name: str) -> list[dict[str, Any]]:
    """Read the rows of a file of recipes.

    Args:
        data: The file.
        name: What errors call it.

    Raises:
        SourceError: If the file or a row cannot be read.
    """
    try:
        rows = list(read_rows(data, COLUMNS, limits=LIMITS))
    except InputError as error:
        raise SourceError(f"{name}: {'; '.join(map(_sentence, error.problems))}") from None
    faults = [(number, problems) for number, row in enumerate(rows, 1) if (problems := _faults(row))]
    if faults:
        shown = [f"row {number}: {', '.join(map(_sentence, problems))}" for number, problems in faults[:SHOWN]]
        more = f"; and {len(faults) - SHOWN} more rows" if len(faults) > SHOWN else ""
        raise SourceError(f"{name}: {'; '.join(shown)}{more}")
    return [dict(row.values or {}) for row in rows]


def _faults(row: Row) -> list[Problem]:
    return [problem for problem in row.problems if problem.code != _COUNTED]


def _sentence(problem: Problem) -> str:
    subject = "" if problem.field in ("file", "row") else f"{sanitize(problem.field, _MAX_NAME)} "
    return f"{subject}{problem.reason}"
