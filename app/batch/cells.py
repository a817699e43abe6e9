"""The values of a table's cells: numbers, text, truth values and JSON, and the words for a missing value."""

import re
from typing import Any, Literal

from pydantic_core import from_json

from app.runtime.json_keys import may_repeat_keys, repeated_keys

Kind = Literal["number", "text", "verbatim", "boolean", "json"]
"""Kind of a column: ``verbatim`` is text in which no word stands for a missing value."""
Mark = Literal[".", ","]
"""A decimal mark."""

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-"})
"""What stands for a missing value, in small letters; a cell may have it in any case."""
NUMBERS: dict[str, re.Pattern[str]] = {
    mark: re.compile(
        rf"[ \t\r\n]*[+-]?(?:[0-9]+(?:{re.escape(mark)}[0-9]*)?|{re.escape(mark)}[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\r\n]*"
    )
    for mark in ".,"
}
"""By decimal mark: what a number looks like."""
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_THOUSANDS = re.compile(r"\s*[+-]?[0-9]{1,3}(?:[.,'\u2019\s][0-9]{3})+(?:[.,][0-9]*)?\s*")
_BOOLEANS = {"true": True, "false": False}
_NAMES = {".": "point", ",": "comma"}


class CellError(Exception):
    """A cell cannot be converted."""

    def __init__(self, code: str, reason: str) -> None:
        """Create the error.

        Args:
            code: Code of the problem.
            reason: Its reason, without the cell.
        """
        super().__init__(reason)
        self.code = code
        self.reason = reason


def is_missing(cell: str) -> bool:
    """Whether a cell stands for a missing value."""
    return cell.strip().lower() in MISSING


def mark_of(cell: str) -> Mark | None:
    """Return the decimal mark of a number; None if it has none, or the cell is no number."""
    if _WHOLE.fullmatch(cell):
        return None
    marks: tuple[Mark, Mark] = (".", ",")
    return next((mark for mark in marks if mark in cell and NUMBERS[mark].fullmatch(cell)), None)


def value_of(cell: str, kind: Kind, mark: Mark) -> Any:
    """Convert a cell that is not missing.

    Args:
        cell: The cell.
        kind: Kind of its column.
        mark: Decimal mark of numbers.

    Raises:
        CellError: If it is no such value.
    """
    if kind == "number":
        if NUMBERS[mark].fullmatch(cell):
            return float(cell.replace(",", "."))
        raise _no_number(cell, mark)
    if kind == "json":
        try:
            parsed = from_json(cell)
        except ValueError as error:
            position = str(error).rpartition(" at ")[2]  # "line 1 column 2" contains no input
            raise CellError("json_invalid", f"is not valid JSON (at {position})") from None
        text = cell.encode()
        if may_repeat_keys(text, parsed) and repeated_keys(text):
            raise CellError("repeated_key", "has an object with a key twice")
        return parsed
    if kind == "boolean":
        value = _BOOLEANS.get(cell.strip().lower())
        if value is None:
            raise CellError("bool_type", "must be true or false")
        return value
    return cell


def _no_number(cell: str, mark: Mark) -> CellError:
    other: Mark = "," if mark == "." else "."
    decimal = f"a decimal {_NAMES[other]}, while the file has decimal {_NAMES[mark]}s"
    if _THOUSANDS.fullmatch(cell):
        also = f", or {decimal}" if other in cell else ""
        return CellError("thousands_separator", f"has a thousands separator{also}: write the number without it")
    if NUMBERS[other].fullmatch(cell):
        return CellError("decimal_mark", f"has {decimal}")
    return CellError("not_a_number", "must be a number, in digits and without a unit")
