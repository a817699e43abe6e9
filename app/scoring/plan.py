"""The plan of a source: its format, and the parts in which it is answered.

The plan depends on the contents alone, so every run divides a source in the same way, whichever process answers the
parts.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pyarrow import parquet

from app.batch.columns import Columns
from app.batch.decoding import check_utf8
from app.batch.formats import other_format
from app.batch.json_rows import begins_with_row, count_rows
from app.batch.recipes import is_recipe_file
from app.batch.row import Limits, bad_file
from app.batch.table import MAX_COLUMNS, SEPARATORS, TableStart, complete_rows, table_start
from app.errors import Problem
from app.scoring.sources import Source, Text, reading

Format = Literal["parquet", "table", "lines", "array", "whole", "recipes", "none"]
"""Format of a source: ``lines`` has one JSON object per line, ``array`` is a large JSON array, ``whole`` is JSON that
is read as one piece."""

BLOCK_BYTES = 1 << 20
"""About how many bytes of text are read at once."""
PART_BYTES = 32 << 20
"""About how many bytes of text a part has."""
PART_ROWS = 1_000_000
"""About how many rows of a Parquet file a part has, unless one of its row groups has more."""
WHOLE_BYTES = 16_000_000
"""Size up to which a JSON array is read as one piece."""
LIMITS = Limits(file_bytes=32_000_000, parsed_bytes=350_000_000)
"""Limits on what is read as one piece: JSON that is neither one object per line nor an array, and a row."""
_PARQUET = b"PAR1"
_BLANK = b" \t\r\n\f\v"
_NEIGHBOURS = re.compile(rb"\}[ \t\r]*\{")
"""Objects without a line break between them."""
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{},"]', re.DOTALL)
"""What shows where the rows of an array end; a quote alone begins a string without an end."""
_MAYBE_EMPTY = {
    separator: re.compile(
        rb'\n(?:[ \t\f\v"%b]*(?:\r?\n|[\x80-\xff])|[ \t\f\v\r"%b]+\Z)' % ((re.escape(separator).encode(),) * 2)
    )
    for separator in SEPARATORS
}
"""By separator: a line that may be empty. Patterns that begin with a plain character are found several times faster."""
_LONE_CR = re.compile(rb"\r[^\n]")
"""The end of a line in files of other systems than the rest."""
_QUOTE, _LF, _CR = b'"\n\r'


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a source."""

    start: int
    """Position in the text, bytes; of a Parquet file, index of the first row group."""
    first_row: int
    """Number of its first row; rows count from 1."""
    blocks: tuple[tuple[int, int], ...]
    """Bytes and rows of each block of the text, which begins and ends with a row; of a Parquet file, 1 and the rows of
    each row group. Without blocks, the part is everything from `start` on, and `rows` are not known."""

    @property
    def rows(self) -> int:
        """Number of rows; 0 if it is not known."""
        return sum(rows for _, rows in self.blocks)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a source is answered."""

    source: Source
    digest: str
    """See `Source.digest`."""
    format: Format
    parts: tuple[Part, ...]
    start: TableStart | None = None
    """Of a table: what its first rows say."""
    problems: tuple[Problem, ...] = ()
    """Why the source as a whole cannot be read."""
    is_seekable: bool = True
    """Whether each part can be read without those before it."""


def plan_source(source: Source, columns: Columns) -> Plan:
    """Plan how to answer a source; reads it once or twice.

    Args:
        source: The source.
        columns: The columns that a table may have.

    Raises:
        InputError: If it cannot be read as a whole: it is damaged, of another format or encoding, or a table with a
            faulty header.
    """
    digest = source.digest()
    with reading(), source.open() as file:
        is_parquet = file.read(len(_PARQUET)) == _PARQUET
    if is_parquet:
        return Plan(source, digest, "parquet", tuple(_row_groups(source)))
    with Text(source) as text:
        head = text.head()
        if is_recipe_file(head):
            return Plan(source, digest, "recipes", (Part(0, 1, ()),))
        name = other_format(head)
        if name is not None:
            raise bad_file("unsupported_format", f"is {name}; rows are Parquet, CSV with a header, or JSON")
        first = head.lstrip(_BLANK)[:1]
        if not first:
            return Plan(source, digest, "none", ())
        if first == b"{" and begins_with_row(head):
            blocks = _line_blocks(text)
            return Plan(source, digest, "lines", tuple(_parts(blocks, 0)), is_seekable=text.is_seekable)
        if first == b"[" and len(text.read(WHOLE_BYTES + 1)) > WHOLE_BYTES:
            return _plan_array(source, digest)
        if first in (b"[", b"{"):
            return Plan(source, digest, "whole", (Part(0, 1, ()),))
        check_utf8(head[: head.rfind(b"\n") + 1], _go_on)
        start = table_start(head, columns, LIMITS, _go_on)
        if start is None:
            return Plan(source, digest, "none", ())
        text.read(start.size)
        blocks = _table_blocks(text, start)
        parts = list(_parts(blocks, start.size))
        if start.mark is None and len(parts) > 1:  # a number far below decides how all numbers are read
            parts = [Part(start.size, 1, tuple(block for part in parts for block in part.blocks))]
        return Plan(source, digest, "table", tuple(parts), start, is_seekable=text.is_seekable)


def _plan_array(source: Source, digest: str) -> Plan:
    with Text(source) as text:
        head = text.head()
        begin = head.index(b"[") + 1
        text.read(begin)
        parts = tuple(_parts(_array_blocks(text), begin))
        return Plan(source, digest, "array", parts, is_seekable=text.is_seekable)


def _array_blocks(text: Text) -> Iterator[tuple[int, int]]:
    """What follows the opening bracket of an array, in pieces that end after a comma or the closing bracket."""
    rest, scanned, rows, depth = b"", 0, 0, 1
    while depth and (data := text.read(BLOCK_BYTES)):
        rest += data
        begin = 0
        for token in _TOKEN.finditer(rest, scanned):
            sign = token[0]
            scanned = token.end()
            if sign in b"{[":
                depth += 1
            elif sign in b"}]":
                depth -= 1
                if not depth:
                    break
            elif sign == b"," and depth == 1:
                rows += 1
                if scanned - begin >= BLOCK_BYTES:
                    yield scanned - begin, rows
                    begin, rows = scanned, 0
            elif sign == b'"':  # of a string that ends in the next piece
                scanned = token.start()
                break
        else:
            scanned = len(rest)
        rest, scanned = rest[begin:], scanned - begin
        if len(rest) > LIMITS.file_bytes:
            raise bad_file("too_large", f"has a row of more than {LIMITS.file_bytes} bytes")
    if depth or rest[scanned:].strip() or text.read(1) or rest.strip() == b"]":
        raise bad_file("json_invalid", "is not a valid JSON array")
    yield len(rest), rows + 1


def array_text(block: bytes) -> bytes:
    """Return a block of an array as an array of its own.

    Args:
        block: Rows, each with what follows it: a comma, or the closing bracket.
    """
    return b"[%b]" % block.rstrip(_BLANK)[:-1]


def _go_on() -> None:
    """Check nothing."""


def _row_groups(source: Source) -> Iterator[Part]:
    with reading("Parquet"), source.open() as file:
        opened = parquet.ParquetFile(file)
        if len(opened.schema_arrow) > MAX_COLUMNS:
            raise bad_file("too_many_columns", f"has more than {MAX_COLUMNS} columns")
        sizes = [opened.metadata.row_group(index).num_rows for index in range(opened.metadata.num_row_groups)]
    start, first_row = 0, 1
    group: list[tuple[int, int]] = []
    for size in sizes:
        group.append((1, size))
        if sum(rows for _, rows in group) >= PART_ROWS:
            part = Part(start, first_row, tuple(group))
            yield part
            start, first_row, group = start + len(group), first_row + part.rows, []
    if group:
        yield Part(start, first_row, tuple(group))


def _parts(blocks: Iterator[tuple[int, int]], start: int) -> Iterator[Part]:
    first_row = 1
    group: list[tuple[int, int]] = []
    size = 0
    for block in blocks:
        group.append(block)
        size += block[0]
        if size >= PART_BYTES:
            part = Part(start, first_row, tuple(group))
            yield part
            start, first_row, group, size = start + size, first_row + part.rows, [], 0
    if group:
        yield Part(start, first_row, tuple(group))


def _line_blocks(text: Text) -> Iterator[tuple[int, int]]:
    for piece in _pieces(text):
        if _NEIGHBOURS.search(piece):
            yield len(piece), count_rows(piece, LIMITS)
        else:
            yield len(piece), sum(1 for line in piece.split(b"\n") if line.strip())


def _pieces(text: Text) -> Iterator[bytes]:
    """The text in pieces of whole lines."""
    rest = b""
    while data := text.read(BLOCK_BYTES):
        rest += data
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > LIMITS.file_bytes:
            raise bad_file("too_large", f"has a line of more than {LIMITS.file_bytes} bytes")
    if rest:
        yield rest


def _table_blocks(text: Text, start: TableStart) -> Iterator[tuple[int, int]]:
    """The text in pieces of whole rows."""
    rest = b""
    for piece in _pieces(text):
        try:
            piece.decode()
        except UnicodeDecodeError:
            raise bad_file("not_utf8", "is not UTF-8; in a spreadsheet, save it as 'CSV UTF-8'") from None
        rest += piece
        if has_plain_quotes(rest, start.separator):
            end, rows = len(rest), _plain_rows(rest, start.separator)
        else:
            end, rows = complete_rows(rest, start.separator, LIMITS, _go_on)
        if end:
            yield end, rows
            rest = rest[end:]
    if rest:  # its last row has a quote that is not closed
        yield len(rest), complete_rows(rest, start.separator, LIMITS, _go_on)[1] + 1


def has_plain_quotes(piece: bytes, separator: str) -> bool:
    """Return whether quotes, if there are any, stand around whole cells, in which are neither quotes nor line breaks.

    Args:
        piece: Whole lines of a table.
        separator: Its separator.
    """
    if b'"' not in piece:
        return True
    text = np.frombuffer(b"\n%b\n" % piece, np.uint8)
    places = np.flatnonzero(text == _QUOTE)
    if len(places) % 2:
        return False
    begins, ends = places[::2], places[1::2]
    around = np.zeros(256, np.bool_)
    around[[ord(separator), *b"\r\n"]] = True
    if not (around[text[begins - 1]].all() and around[text[ends + 1]].all()):
        return False
    breaks = np.flatnonzero((text == _LF) | (text == _CR))
    return bool((np.searchsorted(breaks, begins) == np.searchsorted(breaks, ends)).all())


def _plain_rows(piece: bytes, separator: str) -> int:
    """Count the rows of a piece that are not empty; each is a line."""
    blank = _BLANK + b'"' + separator.encode()
    if not _MAYBE_EMPTY[separator].search(b"\n" + piece) and not _LONE_CR.search(piece):
        return piece.count(b"\n") + (not piece.endswith(b"\n"))
    number = 0
    for line in piece.splitlines():
        stripped = line.strip(blank)
        if (stripped and stripped[0] < 0x80) or (line and _has_value(line, separator)):
            number += 1
    return number


def _has_value(line: bytes, separator: str) -> bool:
    """Whether a row has a cell that is not empty."""
    cells = next(csv.reader([line.decode()], delimiter=separator, skipinitialspace=True), [])
    return any(cell.strip() for cell in cells)
