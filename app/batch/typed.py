"""Rows of columns with types, such as those of Parquet, as JSON has them."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.batch.cells import CellError, is_missing, value_of
from app.batch.columns import Column, Columns
from app.batch.row import Row
from app.errors import Problem


def typed_columns(names: Sequence[str], columns: Columns) -> list[tuple[str, Column | None]]:
    """Return each column by its name in the file; None if it is not known and may have no values.

    Args:
        names: Names of the columns.
        columns: The columns that a table may have.
    """
    return [(name, columns.find(name)) for name in names]


def typed_row(values: Mapping[str, Any], columns: Sequence[tuple[str, Column | None]]) -> Row:
    """Make a row.

    Args:
        values: Values by column; None and NaN are missing.
        columns: See `typed_columns`.
    """
    found: dict[str, Any] = {}
    items: dict[str, dict[int, dict[str, Any]]] = {}
    problems: list[Problem] = []
    for name, column in columns:
        value = _plain(values[name])
        if value is None or (
            isinstance(value, str) and (not value.strip() if _is_verbatim(column) else is_missing(value))
        ):
            continue
        if column is None:
            problems.append(Problem(name, "unknown_column", "is not a known column"))
            continue
        try:
            if isinstance(value, str):
                value = value_of(value, column.kind, ".")
            elif column.kind in ("text", "verbatim") and not isinstance(value, list | dict):
                value = str(value)
        except CellError as error:
            problems.append(Problem(column.name, error.code, error.reason))
        if column.number:
            items.setdefault(column.field, {}).setdefault(column.number, {})[column.inner] = value
        else:
            found[column.field] = value
    for name, numbered in items.items():
        if name in found:
            problems.append(Problem(name, "given_twice", "is given as a cell and in numbered columns; use one"))
        found[name] = [numbered[number] for number in sorted(numbered)]
    return Row(found, tuple(problems), {name: sorted(numbered) for name, numbered in items.items()})


def _is_verbatim(column: Column | None) -> bool:
    return column is not None and column.kind == "verbatim"


def _plain(value: Any) -> Any:
    """A value as JSON has it: without fields that are missing, and with numbers for numbers."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain for name, item in value.items() if (plain := _plain(item)) is not None}
    return value
