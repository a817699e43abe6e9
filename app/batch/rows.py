"""Reads the rows of a file: a JSON array, concatenated JSON objects, or CSV, optionally compressed with gzip.

The format is detected from the first bytes, because delivery streams write object names without an extension.
"""

import csv
import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from app.errors import InputError, Problem

MAX_FILE_BYTES = 64_000_000
"""Maximum size of a file, both compressed and decompressed."""

Row = dict[str, Any]

_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31
_NOT_OBJECT = Problem("row", "not_an_object", "must be a JSON object")
_NOT_JSON = Problem("row", "json_invalid", "is not valid JSON")
_BLANKS = re.compile(r"\s*")
_CELLS = Problem("row", "wrong_number_of_cells", "has more cells than there are columns")


def read_rows(data: bytes) -> Iterator[Row | Problem]:
    """Read the rows of a file in order.

    Args:
        data: The file.

    Returns:
        An iterator over the rows, with a problem in place of each invalid row. Empty lines are skipped.

    Raises:
        InputError: If the file cannot be read: too large, truncated, not UTF-8, or an invalid JSON array.
    """
    text = _decompressed(data).removeprefix(b"\xef\xbb\xbf")
    first = text.lstrip()[:1]
    if first == b"[":
        return iter(_array(text))
    return _lines(text) if first in (b"{", b"") else _table(text)


def _decompressed(data: bytes) -> bytes:
    if len(data) > MAX_FILE_BYTES:
        raise _too_large()
    if not data.startswith(_GZIP):
        return data
    whole = bytearray()
    while data:  # a gzip file may have several members
        reader = zlib.decompressobj(_WITH_GZIP_HEADER)
        try:
            whole += reader.decompress(data, MAX_FILE_BYTES + 1 - len(whole))
        except zlib.error:
            raise InputError([Problem("file", "gzip_invalid", "is not valid gzip")]) from None
        if len(whole) > MAX_FILE_BYTES:
            raise _too_large()
        if not reader.eof:
            raise InputError([Problem("file", "gzip_invalid", "is truncated")])
        data = reader.unused_data
    return bytes(whole)


def _too_large() -> InputError:
    return InputError([Problem("file", "too_large", f"is larger than {MAX_FILE_BYTES} bytes")])


def _array(text: bytes) -> list[Row | Problem]:
    try:
        rows = from_json(text, cache_strings="keys")
    except ValueError as error:
        position = str(error).rpartition(" at ")[2]  # "line 1 column 2" contains no input
        raise InputError([Problem("file", "json_invalid", f"is not a valid JSON array (at {position})")]) from None
    return [row if isinstance(row, dict) else _NOT_OBJECT for row in rows]


def _lines(text: bytes) -> Iterator[Row | Problem]:
    for line in io.BytesIO(text):
        line = line.strip()
        if not line:
            continue
        try:
            row = from_json(line, cache_strings="keys")
        except ValueError:
            yield from _concatenated(line)
        else:
            yield row if isinstance(row, dict) else _NOT_OBJECT


def _concatenated(line: bytes) -> Iterator[Row | Problem]:
    """Objects without a separator, as delivery streams write them by default."""
    decoder, position = json.JSONDecoder(), 0
    try:
        text = line.decode()
        while position < len(text):
            start, (_, position) = position, decoder.raw_decode(text, position)
            row = from_json(text[start:position], cache_strings="keys")  # stricter: rejects lone surrogates
            yield row if isinstance(row, dict) else _NOT_OBJECT
            blanks = _BLANKS.match(text, position)
            position = blanks.end() if blanks else position
    except (ValueError, RecursionError):
        yield _NOT_JSON


def _table(text: bytes) -> Iterator[Row | Problem]:
    try:
        lines = io.StringIO(text.decode(), newline="")
    except UnicodeDecodeError:
        raise InputError([Problem("file", "not_utf8", "is not UTF-8")]) from None
    return _cells(csv.reader(lines))


def _cells(lines: Iterator[list[str]]) -> Iterator[Row | Problem]:
    names: list[str] | None = None
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error:
            yield Problem("row", "csv_invalid", "is not valid CSV")
            continue
        if not cells:
            continue
        if names is None:
            names = [name.strip() for name in cells]
        elif len(cells) > len(names):
            yield _CELLS
        else:
            yield {name: _value(name, cell) for name, cell in zip(names, cells, strict=False) if cell.strip()}


def _value(name: str, cell: str) -> str | float:
    """Convert a cell to a number if possible, except in the columns id and name."""
    try:
        return cell if name in ("id", "name") else float(cell)
    except ValueError:
        return cell
