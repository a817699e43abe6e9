"""Conversion of a file of JSON lines to Parquet, in a process of its own: ``python -m app.records.parquet FILE``.

The program that serves neither imports pyarrow nor spends its own time on the conversion.
"""

import sys
from itertools import islice
from pathlib import Path

import pyarrow
from pyarrow import parquet
from pydantic_core import to_json

from app.records.files import JSON_LINES, PARQUET
from app.records.folder import FILE_MODE
from app.records.reading import Record, read_records

ROWS = 4096
"""Rows that are held at a time, and in a row group."""
_NUMBERS = pyarrow.map_(pyarrow.string(), pyarrow.float64())
SCHEMA = pyarrow.schema(
    {
        "time": pyarrow.timestamp("us", tz="UTC"),
        "request_id": pyarrow.string(),
        "row": pyarrow.int32(),
        "model": pyarrow.string(),
        "version": pyarrow.string(),
        "inputs": _NUMBERS,
        "outputs": _NUMBERS,
        "warnings": pyarrow.list_(pyarrow.string()),
        "run": pyarrow.list_(pyarrow.int32()),
        "text": pyarrow.string(),
    }
)
"""As a line of JSON has it; NaN is null, and ``text`` is JSON."""


def convert(path: Path) -> Path | None:
    """Write the records of a file to a Parquet file beside it, and delete the file.

    Args:
        path: A file of JSON lines; lines that are no records are left out.

    Returns:
        The Parquet file; None if there was no record.

    Raises:
        OSError: If it cannot be written; the file of JSON lines then stays.
    """
    target = path.with_name(path.name.removesuffix(JSON_LINES) + PARQUET)
    staged = target.with_name(f".{target.name}.part")
    records = read_records([path])
    count = 0
    try:
        staged.touch(FILE_MODE)
        with parquet.ParquetWriter(staged, SCHEMA, compression="zstd") as writer:
            while batch := list(islice(records, ROWS)):
                count += len(batch)
                writer.write_batch(_batch(batch))
        if count:
            staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    path.unlink()
    return target if count else None


def _batch(records: list[Record]) -> pyarrow.RecordBatch:
    columns = {
        "time": [each.time for each in records],
        "request_id": [each.request_id for each in records],
        "row": [each.row for each in records],
        "model": [each.model for each in records],
        "version": [each.version for each in records],
        "inputs": [_pairs(each.inputs) for each in records],
        "outputs": [_pairs(each.outputs) for each in records],
        "warnings": [list(each.warnings) for each in records],
        "run": [list(each.run) for each in records],
        "text": [None if each.text is None else to_json(each.text).decode() for each in records],
    }
    return pyarrow.RecordBatch.from_pydict(columns, SCHEMA)


def _pairs(numbers: dict[str, float]) -> list[tuple[str, float | None]]:
    return [(name, number if number == number else None) for name, number in numbers.items()]


def main() -> None:
    """Convert the file that the command line names; print what is wrong."""
    try:
        convert(Path(sys.argv[1]))
    except (OSError, pyarrow.ArrowException) as error:
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
