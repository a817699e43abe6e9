"""A row of a file, the limits on files, and the error of a file that is rejected as a whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from app.errors import InputError, Problem

Check = Callable[[], None]
"""Called while a file is read, at least every megabyte; raises an error to stop."""


class Row(NamedTuple):
    """One row of a file."""

    values: Mapping[str, Any] | None
    """Values by field, as a JSON request has them; a cell that could not be converted is still text. None if the row
    cannot be read."""
    problems: tuple[Problem, ...] = ()
    """Problems of reading the row, by column."""
    numbers: Mapping[str, Sequence[int]] = MappingProxyType({})
    """By field: the numbers of the columns that its items come from, such as ``{"hops": [1, 3]}`` of ``hop1_name`` and
    ``hop3_name``. Only for fields that are given in numbered columns."""

    def column(self, path: str) -> str:
        """Return the name of the column that a field comes from.

        Args:
            path: Path of the field, such as ``hops.1.name``.

        Returns:
            The column, such as ``hop3_name``; the path itself if the field has no numbered columns.
        """
        name, _, rest = path.partition(".")
        index, _, inner = rest.partition(".")
        numbers = self.numbers.get(name)
        if numbers is None or not index.isdecimal() or int(index) >= len(numbers):
            return path
        return f"{singular(name)}{numbers[int(index)]}" + (f"_{inner}" if inner else "")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on everything that a file can multiply. The defaults are those of the cloud function."""

    file_bytes: int = 64_000_000
    """Maximum size of a file: as it is, decompressed, and as UTF-8."""
    members: int = 10_000
    """Maximum number of members of a gzip file."""
    parsed_bytes: int = 700_000_000
    """Maximum memory that the values of a JSON array, or of an object, may take; an array of 64 MB of beers takes 450
    MB."""
    row_characters: int = 1_000_000
    """Maximum length of a row of a table; the limit of a request body, in characters."""


def bad_row(code: str, reason: str) -> Row:
    """Return a row that cannot be read.

    Args:
        code: Code of the problem.
        reason: Its reason.
    """
    return Row(None, (Problem("row", code, reason),))


def bad_file(code: str, reason: str) -> InputError:
    """Return the error of a file that is rejected as a whole.

    Args:
        code: Code of the problem.
        reason: Its reason.
    """
    return InputError([Problem("file", code, reason)])


def singular(name: str) -> str:
    """Return what numbered columns call an item of a list: ``hop`` for ``hops``."""
    return name.removesuffix("s")
