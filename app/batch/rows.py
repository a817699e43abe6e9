"""Reads the rows of a file: a JSON array, concatenated JSON objects, or CSV, optionally compressed with gzip.

The format is detected from the first bytes, because delivery streams write object names without an extension. A file is
read once, with limits on everything that it can multiply: gzip members, inflated bytes, parsed values, a row's length.
"""

import codecs
import csv
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Self

from pydantic_core import from_json

from app.errors import InputError, Problem
from app.runtime.json_cost import JsonCost

MAX_FILE_BYTES = 64_000_000
"""Maximum size of a file, both compressed and decompressed."""
MAX_MEMBERS = 10_000
"""Maximum number of members of a gzip file."""
MAX_PARSED_BYTES = 700_000_000
"""Maximum memory that the values of a JSON array, or of a line, may take; an array of 64 MB of beers takes 450 MB."""
MAX_ROW_CHARACTERS = 1_000_000
"""Maximum length of a row of CSV; the limit of a request body, in characters."""

Row = dict[str, Any]
Check = Callable[[], None]
"""Called while a file is read, at least every megabyte; raises an error to stop."""

parsed_bytes = JsonCost(byte=2, comma=40, bracket=90, brace=250, colon=60)
"""Memory of the Python objects that JSON becomes."""
_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31
_PIECE = 65_536
"""Bytes that are inflated or decoded at once."""
_LINES = 10_000
"""Number of lines between two checks."""
_NOT_OBJECT = Problem("row", "not_an_object", "must be a JSON object")
_NOT_JSON = Problem("row", "json_invalid", "is not valid JSON")
_TOO_COMPLEX = Problem("row", "too_complex", "has more values than can be held in memory")
_LONG_LINE = 1_000_000
"""Bytes of a line above which its values are counted before it is parsed."""
_BLANKS = re.compile(r"\s*")
_CELLS = Problem("row", "wrong_number_of_cells", "has more cells than there are columns")


def _go_on() -> None:
    """Check nothing."""


def read_rows(data: bytes, check: Check = _go_on) -> Iterator[Row | Problem]:
    """Read the rows of a file in order.

    Args:
        data: The file.
        check: Called again and again while the file is read; what it raises is passed on.

    Returns:
        An iterator over the rows, with a problem in place of each invalid row. Empty lines are skipped.

    Raises:
        InputError: If the file cannot be read: too large, too complex, truncated, not UTF-8, or an invalid JSON array.
    """
    text = _decompressed(data, check)
    if text.startswith(codecs.BOM_UTF8):
        text = text[len(codecs.BOM_UTF8) :]
    blanks = re.match(rb"\s*", text)
    start = blanks.end() if blanks else 0
    first = text[start : start + 1]
    if first not in (b"[", b"{", b""):
        _check_utf8(text, check)
        return _table(text, check)
    if first != b"[":
        return _lines(text, check)
    if parsed_bytes(text) > MAX_PARSED_BYTES:
        raise _unreadable("too_complex", "has more values than can be held in memory; use one JSON object per line")
    check()
    return iter(_array(text))


def _decompressed(data: bytes, check: Check) -> bytes:
    if len(data) > MAX_FILE_BYTES:
        raise _too_large()
    if not data.startswith(_GZIP):
        return data
    whole, position, members = bytearray(), 0, 0
    while position < len(data):  # a gzip file may have several members
        members += 1
        if members > MAX_MEMBERS:
            raise _unreadable("too_many_members", f"has more than {MAX_MEMBERS} gzip members")
        position = _inflate_member(data, position, whole, check)
    return bytes(whole)


def _inflate_member(data: bytes, position: int, whole: bytearray, check: Check) -> int:
    """Append the contents of a gzip member, and return the position after it."""
    reader = zlib.decompressobj(_WITH_GZIP_HEADER)
    rest: bytes | memoryview = b""
    while not reader.eof:
        if not rest:
            rest = memoryview(data)[position : position + _PIECE]
            position += len(rest)
            if not rest:
                raise _unreadable("gzip_invalid", "is truncated")
        try:
            piece = reader.decompress(rest, _PIECE)
        except zlib.error:
            raise _unreadable("gzip_invalid", "is not valid gzip") from None
        rest = reader.unconsumed_tail
        whole += piece
        if len(whole) > MAX_FILE_BYTES:
            raise _too_large()
        check()
    return position - len(reader.unused_data)


def _too_large() -> InputError:
    return _unreadable("too_large", f"is larger than {MAX_FILE_BYTES} bytes")


def _unreadable(code: str, reason: str) -> InputError:
    return InputError([Problem("file", code, reason)])


def _array(text: bytes) -> list[Row | Problem]:
    try:
        rows = from_json(text, cache_strings="keys")
    except ValueError as error:
        position = str(error).rpartition(" at ")[2]  # "line 1 column 2" contains no input
        raise _unreadable("json_invalid", f"is not a valid JSON array (at {position})") from None
    return [row if isinstance(row, dict) else _NOT_OBJECT for row in rows]


def _lines(text: bytes, check: Check) -> Iterator[Row | Problem]:
    for number, line in enumerate(io.BytesIO(text)):
        if number % _LINES == 0:
            check()
        line = line.strip()
        if not line:
            continue
        if len(line) > _LONG_LINE and parsed_bytes(line) > MAX_PARSED_BYTES:
            yield _TOO_COMPLEX
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


def _check_utf8(text: bytes, check: Check) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(text), _PIECE):
            decoder.decode(text[start : start + _PIECE])
            check()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _unreadable("not_utf8", "is not UTF-8") from None


class _RowLines:
    """The lines of a table, for `csv.reader`, which joins those of a quoted cell; a row's length is limited."""

    def __init__(self, text: bytes, check: Check) -> None:
        self._file = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
        self._check = check
        self._left = MAX_ROW_CHARACTERS
        self._number = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """Return the next line.

        Raises:
            csv.Error: If the row is too long; its line is skipped.
            StopIteration: At the end of the file.
        """
        self._number += 1
        if self._number % _LINES == 0:
            self._check()
        line = self._file.readline(self._left + 1)
        if not line:
            raise StopIteration
        if len(line) > self._left:
            while line and not line.endswith(("\n", "\r")):
                self._check()
                line = self._file.readline(MAX_ROW_CHARACTERS)
            raise csv.Error
        self._left -= len(line)
        return line

    def begin_row(self) -> None:
        """Count the characters of a new row."""
        self._left = MAX_ROW_CHARACTERS


def _table(text: bytes, check: Check) -> Iterator[Row | Problem]:
    lines = _RowLines(text, check)
    rows = csv.reader(lines)
    names: list[str] | None = None
    while True:
        lines.begin_row()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Problem("row", "csv_invalid", "is not valid CSV, or too long")
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
