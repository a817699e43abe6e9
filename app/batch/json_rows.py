"""Rows in JSON: an array of objects, or objects one after the other, with or without line breaks within and between."""

import io
import json
import re
from collections.abc import Container, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from pydantic_core import from_json

from app.batch.formats import ACCEPTED
from app.batch.row import Check, Limits, Row, bad_file, bad_row
from app.domains.validation import repeated
from app.errors import InputError
from app.runtime.json_cost import JsonCost
from app.runtime.json_keys import may_repeat_keys

parsed_bytes = JsonCost(byte=2, comma=40, bracket=90, brace=250, colon=60)
"""Memory of the Python objects that JSON becomes."""
_LINES = 10_000
"""Number of lines between two checks."""
_LONG_LINE = 1_000_000
"""Bytes of a line above which its values are counted before it is parsed."""
_NOT_OBJECT = bad_row("not_an_object", "must be a JSON object")
_NOT_JSON = bad_row("json_invalid", "is not valid JSON")
_NOT_JSON_NOR_WHAT_FOLLOWS = bad_row("json_invalid", "is not valid JSON; what follows is not read")
_TOO_COMPLEX = bad_row("too_complex", "has more values than can be held in memory")
_BLANKS = re.compile(r"\s*")
_LINE = re.compile(rb"\S[^\n]*")
"""A line that is not blank, from its first character on."""


def json_rows(text: bytes, fields: Container[str], limits: Limits, check: Check) -> Iterator[Row]:
    """Read rows of JSON.

    Args:
        text: The file, in UTF-8; its first character that is not blank is ``[`` or ``{``.
        fields: Fields of a row. A file with one object that has none of them is rejected.
        limits: Limits on the file.
        check: Called again and again.

    Returns:
        An iterator over the rows.

    Raises:
        InputError: If the file is an invalid array, or one with a key twice in an object, too complex, or one object
            that is no row.
    """
    if text.lstrip(b" \t\r\n").startswith(b"["):
        if parsed_bytes(text) > limits.parsed_bytes:
            raise _too_complex()
        check()
        return _array(text)
    return _objects(text, fields, limits, check)


def _too_complex() -> InputError:
    return bad_file("too_complex", "has more values than can be held in memory; use one JSON object per line")


def _array(text: bytes) -> Iterator[Row]:
    try:
        rows = from_json(text, cache_strings="keys")
    except ValueError as error:
        raise bad_file("json_invalid", f"is not a valid JSON array{_position(error)}") from None
    keys = sum(len(row) for row in rows if isinstance(row, dict))
    if text.count(b":") != keys and may_repeat_keys(text, rows) and (problems := repeated(text)):
        raise InputError([replace(problem, field=_counted_from_one(problem.field)) for problem in problems])
    return (Row(row) if isinstance(row, dict) else _NOT_OBJECT for row in rows)


def _counted_from_one(path: str) -> str:
    """The path of a value in an array, with the number of the row: ``4.abv`` for ``3.abv``."""
    index, dot, rest = path.partition(".")
    return f"{int(index) + 1}{dot}{rest}" if index.isdecimal() else path


def _row(value: Any, text: bytes) -> Row:
    """Return a JSON value as a row.

    Args:
        value: The value.
        text: The text that it was parsed from.
    """
    if not isinstance(value, dict):
        return _NOT_OBJECT
    if text.count(b":") == len(value) or not may_repeat_keys(text, value):  # the first is quicker
        return Row(value)
    return Row(value, tuple(repeated(text)))


def _position(error: ValueError) -> str:
    """Where JSON is invalid: " (at line 1 column 2)", which contains no input."""
    return f" (at {str(error).rpartition(' at ')[2]})"


def _objects(text: bytes, fields: Container[str], limits: Limits, check: Check) -> Iterator[Row]:
    lines = _LINE.finditer(text)
    first, second = next(lines), next(lines, None)
    if second is None:
        return _checked(_lines(text, limits, check), fields)
    if _is_row(first[0]):
        return _lines(text, limits, check)
    if parsed_bytes(text) > limits.parsed_bytes:
        if second[0].startswith(b"{"):
            return _lines(text, limits, check)
        raise _too_complex()
    check()
    try:
        return _checked(iter([_row(from_json(text, cache_strings="keys"), text)]), fields)
    except ValueError as error:
        if second[0].startswith(b"{"):  # one object per line, the first of which is invalid
            return _lines(text, limits, check)
        return _spread(text, error, check)


def begins_with_row(head: bytes) -> bool:
    """Return whether a text is one JSON object per line, as far as its beginning shows.

    Args:
        head: The beginning of the text, at least two lines if it has them; its first character that is not blank is
            an opening brace.
    """
    lines = _LINE.finditer(head)
    first, second = next(lines), next(lines, None)
    return second is not None and (_is_row(first[0]) or second[0].startswith(b"{"))


def count_rows(text: bytes, limits: Limits) -> int:
    """Count the rows in lines of JSON.

    Args:
        text: Whole lines.
        limits: Limits on the file.
    """
    return sum(1 for _ in _lines(text, limits, lambda: None))


def line_rows(text: bytes, limits: Limits) -> Iterator[Row]:
    """Read rows of JSON, one or several on each line.

    Args:
        text: Whole lines of a file that `begins_with_row`.
        limits: Limits on the file.
    """
    return _lines(text, limits, lambda: None)


def _is_row(line: bytes) -> bool:
    """Whether a line begins with a whole JSON value, or is too long to be looked at."""
    try:
        if len(line) <= _LONG_LINE:
            from_json(line)
    except ValueError as error:
        return str(error).startswith("trailing characters")
    return True


def _checked(rows: Iterator[Row], fields: Container[str]) -> Iterator[Row]:
    """Return the rows.

    Raises:
        InputError: If there is one only, and it has none of the fields, or is a table by column.
    """
    begin = list(islice(rows, 2))
    values = begin[0].values if len(begin) == 1 else None
    if values and len(values) > 1 and all(isinstance(value, dict) for value in values.values()):
        raise bad_file(
            "unsupported_format", f"is JSON by column, as pandas writes it without orient='records'; {ACCEPTED}"
        )
    if values and not any(name in fields for name in values):
        raise bad_file("unsupported_format", f"is one JSON object without any field of a row; {ACCEPTED}")
    return chain(begin, rows)


def _lines(text: bytes, limits: Limits, check: Check) -> Iterator[Row]:
    for number, line in enumerate(io.BytesIO(text)):
        if number % _LINES == 0:
            check()
        line = line.strip()
        if not line:
            continue
        if len(line) > _LONG_LINE and parsed_bytes(line) > limits.parsed_bytes:
            yield _TOO_COMPLEX
            continue
        try:
            row = from_json(line, cache_strings="keys")
        except ValueError:
            yield from _concatenated(line, _NOT_JSON)
        else:
            yield _row(row, line)


def _concatenated(line: bytes, invalid: Row) -> Iterator[Row]:
    """Objects without a separator, as delivery streams write them by default."""
    decoder, position = json.JSONDecoder(), 0
    try:
        text = line.decode()
        while position < len(text):
            start, position = position, decoder.raw_decode(text, position)[1]
            # from_json is stricter: it rejects lone surrogates
            piece = text[start:position].encode()
            yield _row(from_json(piece, cache_strings="keys"), piece)
            blanks = _BLANKS.match(text, position)
            position = blanks.end() if blanks else position
    except (ValueError, RecursionError):
        yield invalid


def _spread(text: bytes, error: ValueError, check: Check) -> Iterator[Row]:
    """Objects with line breaks within."""
    rows = _concatenated(text.strip(), _NOT_JSON_NOR_WHAT_FOLLOWS)
    first = next(rows)
    if first is _NOT_JSON_NOR_WHAT_FOLLOWS:
        raise bad_file("json_invalid", f"begins like a JSON object, and is none{_position(error)}")
    return _continued(first, rows, check)


def _continued(first: Row, rows: Iterator[Row], check: Check) -> Iterator[Row]:
    yield first
    for number, row in enumerate(rows):
        if number % _LINES == 0:
            check()
        yield row
