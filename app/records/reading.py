"""Reading records: inputs and outputs, row by row.

This module and the format of the files (docs/records.md) are for everybody who works with records.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from app.records.files import JSON_LINES, Source, find_files, read_lines, read_rows

KIND = "records-"
"""Beginning of the names of files of records."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row that was answered, such as one beer."""

    time: datetime
    """When it was answered, UTC."""
    request_id: str
    """Id of the request."""
    row: int
    """Index of the row in its request."""
    model: str
    """Name of the model that answered."""
    version: str
    """Version that answered."""
    inputs: dict[str, float]
    """The model's inputs by name, as they entered the graph: each is a float32; NaN is missing."""
    outputs: dict[str, float]
    """The graph's outputs by name, before anything is rounded or widened. The numbers of an output that has several in
    a row are ``NAME.0``, ``NAME.1`` and so on."""
    warnings: tuple[str, ...] = ()
    """Codes of the warnings in the answer."""
    text: Mapping[str, Any] | None = None
    """Names in the request; None unless RECORD_TEXT was set."""
    run: tuple[int, int] = (0, 1)
    """Index of the row in the model's run, and number of rows in the run, which may be of several requests. The last
    bits of some models' outputs depend on them, and on nothing else."""

    def as_json(self) -> dict[str, Any]:
        """Return the record as its line has it, to be written as JSON."""
        line: dict[str, Any] = {
            "time": self.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "request_id": self.request_id,
            "row": self.row,
            "model": self.model,
            "version": self.version,
            "inputs": json_numbers(self.inputs),
            "outputs": json_numbers(self.outputs),
            "warnings": list(self.warnings),
            "run": list(self.run),
        }
        if self.text is not None:
            line["text"] = dict(self.text)
        return line


@dataclass(slots=True)
class Tally:
    """What a reader has read so far."""

    files: int = 0
    """Number of files that were begun."""
    bytes: int = 0
    """Size of what was read; of compressed files and Parquet, only of those that were read to the end."""
    records: int = 0
    """Number of records."""
    skipped: int = 0
    """Number of lines that are no records, such as the last line of a process that was killed."""


def read_records(paths: Iterable[str | Path], tally: Tally | None = None, s3_endpoint: str = "") -> Iterator[Record]:
    """Read records, one after the other; a file is never held as a whole, except one of a bucket.

    Args:
        paths: Files, folders, patterns with ``*``, or ``s3://bucket/prefix``; see `app.records.files.find_files`.
        tally: Counts what is read and skipped.
        s3_endpoint: Address of an S3-compatible store; empty: AWS.

    Yields:
        The records, in the order of the files' names and of the lines in a file.

    Raises:
        RecordsError: If a path does not exist or cannot be read, or a Parquet file is damaged.
    """
    yield from records_of(find_files(paths, KIND, s3_endpoint), tally)


def records_of(sources: Iterable[Source], tally: Tally | None = None) -> Iterator[Record]:
    """Read the records of files that were found; see `read_records`."""
    tally = tally or Tally()
    for source in sources:
        tally.files += 1
        before = tally.bytes
        for value in read_rows(source) if source.is_parquet else _values(source, tally):
            record = record_of(value)
            if record is None:
                tally.skipped += 1
            else:
                tally.records += 1
                yield record
        tally.bytes = before + source.size


def record_of(value: object) -> Record | None:
    """Make a record from its line's value; None if it is no record."""
    try:
        return _record(value)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError):
        return None


def numbers_of(value: Any) -> dict[str, float]:
    """Return numbers by name; null becomes NaN.

    Args:
        value: An object of JSON, or the pairs of a map of Parquet.

    Raises:
        AttributeError, TypeError, ValueError: If it is something else.
    """
    pairs = value if isinstance(value, list) else value.items()
    return {name: math.nan if number is None else float(number) for name, number in pairs}


def json_numbers(numbers: Mapping[str, float]) -> dict[str, float | str | None]:
    """Return numbers by name as JSON has them: NaN is null, and an infinite number a string.

    JSON writes each float32 as the shortest text that reads back to the same float64, and so to the same float32.
    """
    return {name: number if math.isfinite(number) else _not_finite(number) for name, number in numbers.items()}


def _not_finite(number: float) -> str | None:
    return None if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _values(source: Source, tally: Tally) -> Iterator[object]:
    """Return the value of each line, None if it is not JSON; count the bytes of a plain file as they are read."""
    is_plain = source.name.endswith(JSON_LINES)
    for line in read_lines(source):
        if is_plain:
            tally.bytes += len(line) + 1
        try:
            yield from_json(line)
        except ValueError:
            yield None


def _record(value: Any) -> Record:
    time, text, run = value["time"], value.get("text"), value.get("run") or (0, 1)
    row, warnings = value["row"], value["warnings"]
    names = value["request_id"], value["model"], value["version"]
    if not (isinstance(row, int) and isinstance(warnings, list) and all(isinstance(name, str) for name in names)):
        raise TypeError
    return Record(
        (time if isinstance(time, datetime) else datetime.fromisoformat(time)).astimezone(UTC),
        names[0],
        row,
        names[1],
        names[2],
        numbers_of(value["inputs"]),
        numbers_of(value["outputs"]),
        tuple(warnings),
        from_json(text) if isinstance(text, str) else text,
        (int(run[0]), int(run[1])),
    )
