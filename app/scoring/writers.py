"""Files of predictions: Parquet, CSV or lines of JSON. Equal answers in equal order make equal bytes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow
from pyarrow import csv, parquet
from pydantic_core import to_json

from app.batch.answers import CARRIED
from app.scoring.answered import Answered

GROUP_ROWS = 131_072
"""Rows from which a row group of Parquet is complete."""


class Writer(AbstractContextManager["Writer"], ABC):
    """Writes answers to a file."""

    def __init__(self, path: Path, schema: pyarrow.Schema) -> None:
        """Open the file.

        Args:
            path: The file.
            schema: Columns of the answers.
        """
        self._schema = schema

    @abstractmethod
    def write(self, answered: Answered) -> None:
        """Write answers."""

    @abstractmethod
    def close(self) -> None:
        """Complete the file."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class ParquetWriter(Writer):
    """Writes Parquet, compressed with zstd."""

    def __init__(self, path: Path, schema: pyarrow.Schema) -> None:
        """See `Writer`."""
        super().__init__(path, schema)
        repeated = [leaf for field in schema if field.name not in ("row", *CARRIED) for leaf in _leaves(field)]
        self._writer = parquet.ParquetWriter(
            path,
            schema,
            compression="zstd",
            use_dictionary=repeated,
            column_encoding={"row": "DELTA_BINARY_PACKED"},
        )
        self._waiting: list[pyarrow.Table] = []
        self._rows = 0

    def write(self, answered: Answered) -> None:
        """See `Writer.write`."""
        self._waiting.append(answered.table(self._schema))
        self._rows += len(answered)
        if self._rows >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """See `Writer.close`."""
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pyarrow.concat_tables(self._waiting), row_group_size=1 << 30)
        self._waiting, self._rows = [], 0


class CsvWriter(Writer):
    """Writes CSV with a header; lists are written as JSON."""

    def __init__(self, path: Path, schema: pyarrow.Schema) -> None:
        """See `Writer`."""
        super().__init__(path, schema)
        self._flat = pyarrow.schema(
            {field.name: pyarrow.string() if pyarrow.types.is_nested(field.type) else field.type for field in schema}
        )
        self._writer = csv.CSVWriter(path, self._flat, write_options=csv.WriteOptions(quoting_style="needed"))

    def write(self, answered: Answered) -> None:
        """See `Writer.write`."""
        table = answered.table(self._schema)
        columns = [
            _as_json(column) if pyarrow.types.is_nested(field.type) else column
            for field, column in zip(self._schema, table.columns, strict=True)
        ]
        self._writer.write_table(pyarrow.Table.from_arrays(columns, schema=self._flat))

    def close(self) -> None:
        """See `Writer.close`."""
        self._writer.close()


class LinesWriter(Writer):
    """Writes lines of JSON."""

    def __init__(self, path: Path, schema: pyarrow.Schema) -> None:
        """See `Writer`."""
        super().__init__(path, schema)
        self._file = path.open("wb", buffering=1 << 20)

    def write(self, answered: Answered) -> None:
        """See `Writer.write`."""
        self._file.write(answered.lines())

    def close(self) -> None:
        """See `Writer.close`."""
        self._file.close()


WRITERS: Mapping[str, Callable[[Path, pyarrow.Schema], Writer]] = {
    "parquet": ParquetWriter,
    "csv": CsvWriter,
    "jsonl": LinesWriter,
}
"""By format."""


def _leaves(field: pyarrow.Field) -> list[str]:
    """Names of a column's parts in Parquet."""
    if not pyarrow.types.is_list(field.type):
        return [field.name]
    inner = field.type.value_type
    item = f"{field.name}.list.element"
    return [f"{item}.{each.name}" for each in inner] if pyarrow.types.is_struct(inner) else [item]


def _as_json(column: Any) -> pyarrow.Array:
    """A column of lists as JSON; null where a list is empty."""
    array = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    return pyarrow.array(
        [to_json(_told(value)).decode() if value else None for value in array.to_pylist()], pyarrow.string()
    )


def _told(items: list[Any]) -> list[Any]:
    """The items without fields that they do not have."""
    return [
        {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else item
        for item in items
    ]
