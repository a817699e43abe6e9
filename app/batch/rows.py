"""Rows of a file: a JSON array, JSON objects one after another, or CSV, each plain or compressed with gzip.

What it is shows in the first bytes: names of objects say less, as streams write them without an ending.
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

LARGEST_FILE = 64_000_000
"""Most bytes of a file, before and after it is uncompressed."""

Row = dict[str, Any]

_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31
_NOT_OBJECT = Problem("row", "not_an_object", "must be a JSON object")
_NOT_JSON = Problem("row", "json_invalid", "is not valid JSON")
_BLANKS = re.compile(r"\s*")
_CELLS = Problem("row", "wrong_number_of_cells", "has more cells than there are columns")


def read_rows(data: bytes) -> Iterator[Row | Problem]:
    """A file's rows in their order.

    Args:
        data: The file.

    Returns:
        Each row, or what is wrong with it, made as they are asked for. Empty lines are no rows.

    Raises:
        InputError: The file as a whole cannot be read: too large, cut off, not UTF-8, or an array that is not JSON.
    """
    text = _uncompressed(data).removeprefix(b"\xef\xbb\xbf")
    first = text.lstrip()[:1]
    if first == b"[":
        return iter(_array(text))
    return _lines(text) if first in (b"{", b"") else _table(text)


def _uncompressed(data: bytes) -> bytes:
    if len(data) > LARGEST_FILE:
        raise _too_large()
    if not data.startswith(_GZIP):
        return data
    whole = bytearray()
    while data:  # members may follow each other
        reader = zlib.decompressobj(_WITH_GZIP_HEADER)
        try:
            whole += reader.decompress(data, LARGEST_FILE + 1 - len(whole))
        except zlib.error:
            raise InputError([Problem("file", "gzip_invalid", "is not valid gzip")]) from None
        if len(whole) > LARGEST_FILE:
            raise _too_large()
        if not reader.eof:
            raise InputError([Problem("file", "gzip_invalid", "is cut off")])
        data = reader.unused_data
    return bytes(whole)


def _too_large() -> InputError:
    return InputError([Problem("file", "too_large", f"is larger than {LARGEST_FILE} bytes")])


def _array(text: bytes) -> list[Row | Problem]:
    try:
        found = from_json(text, cache_strings="keys")
    except ValueError as error:
        where = str(error).rpartition(" at ")[2]  # "line 1 column 2" tells nobody's data
        raise InputError([Problem("file", "json_invalid", f"is not a valid JSON array (at {where})")]) from None
    return [row if isinstance(row, dict) else _NOT_OBJECT for row in found]


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
    """Objects with nothing between them, as a delivery stream writes them that was told nothing."""
    decoder, place = json.JSONDecoder(), 0
    try:
        text = line.decode()
        while place < len(text):
            began, (_, place) = place, decoder.raw_decode(text, place)
            row = from_json(text[began:place], cache_strings="keys")  # stricter: no half characters
            yield row if isinstance(row, dict) else _NOT_OBJECT
            blanks = _BLANKS.match(text, place)
            place = blanks.end() if blanks else place
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
    """A cell as a number, where it is one and not a name."""
    try:
        return cell if name in ("id", "name") else float(cell)
    except ValueError:
        return cell
