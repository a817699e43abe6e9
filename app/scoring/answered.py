"""What was answered to some rows, as lines of JSON and as columns."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pydantic_core import to_json

from app.batch.answers import CARRIED
from app.errors import Problem
from app.scoring.pieces import Carried

WARNINGS = pyarrow.list_(
    pyarrow.struct({"code": pyarrow.string(), "message": pyarrow.string(), "field": pyarrow.string()})
)
"""Type of the column of warnings."""


class Answered(ABC):
    """The answers to some rows, and the problems of the others."""

    def __init__(
        self,
        rows: NDArray[np.int64],
        carried: Mapping[str, Carried],
        problems: Sequence[tuple[int, Sequence[Problem]]],
    ) -> None:
        """Create the answers.

        Args:
            rows: Numbers of the rows that were answered.
            carried: ``id`` and ``name`` of each of them; None where it has none, and left out if none has one.
            problems: Number and problems of each row that was not.
        """
        self.rows = rows
        self.carried = carried
        self.problems = problems

    def __len__(self) -> int:
        return len(self.rows)

    @abstractmethod
    def answers(self) -> Sequence[Mapping[str, Any]]:
        """Return the answers as the REST API has them."""

    @abstractmethod
    def columns(self) -> Mapping[str, Any]:
        """Return the answers as columns, without the number of the row and what identifies it."""

    def lines(self) -> bytes:
        """Return the answers as lines of JSON, as the batch transport writes them."""
        carried = [
            (name, values if isinstance(values, list) else values.to_pylist()) for name, values in self.carried.items()
        ]
        result = bytearray()
        for index, (row, answer) in enumerate(zip(self.rows.tolist(), self.answers(), strict=True)):
            identity = {name: values[index] for name, values in carried if values[index] is not None}
            result += to_json({"row": row, **identity, **answer}, inf_nan_mode="null") + b"\n"
        return bytes(result)

    def table(self, schema: pyarrow.Schema) -> pyarrow.Table:
        """Return the answers as a table.

        Args:
            schema: Its schema.
        """
        columns = {
            "row": self.rows,
            **{name: _texts(self.carried.get(name), len(self)) for name in CARRIED},
            **self.columns(),
        }
        arrays = [
            column if isinstance(column, pyarrow.Array) else pyarrow.array(column, field.type, from_pandas=True)
            for field, column in ((field, columns[field.name]) for field in schema)
        ]
        return pyarrow.Table.from_arrays(arrays, schema=schema)


def lists(type: pyarrow.ListType, count: int, items: Mapping[int, Sequence[Any]]) -> pyarrow.Array:
    """Return a column of lists, most of which are empty.

    Args:
        type: Type of the column.
        count: Number of rows.
        items: The lists that are not empty, by row, in ascending order.
    """
    sizes = np.zeros(count + 1, np.int32)
    for index, found in items.items():
        sizes[index + 1] = len(found)
    values = pyarrow.array([item for found in items.values() for item in found], type.value_type)
    return pyarrow.ListArray.from_arrays(pyarrow.array(sizes.cumsum(dtype=np.int32)), values)


def _texts(values: Carried | None, count: int) -> pyarrow.Array:
    """What identifies rows as a column of text."""
    if values is None:
        return pyarrow.nulls(count, pyarrow.string())
    if isinstance(values, pyarrow.Array):
        return values
    try:
        return pyarrow.array(values, pyarrow.string())
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):  # numbers
        return pyarrow.array(list(map(_text, values)), pyarrow.string())


def _text(value: Any) -> str | None:
    """What identifies a row as text."""
    return value if value is None or isinstance(value, str) else to_json(value).decode()
