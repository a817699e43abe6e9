"""Rows of a table: CSV with a header, as programs and spreadsheets write it.

The separator (comma, semicolon, tab or bar) is the one that gives the header the most known columns, unless the first
line is Excel's ``sep=;``. With commas between the cells, numbers have decimal points; otherwise the first rows show the
decimal mark, or the first number that has one.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple, Self

from app.batch.cells import MISSING, NUMBERS, CellError, Mark, is_missing, mark_of, value_of
from app.batch.columns import Column, Columns
from app.batch.formats import ACCEPTED
from app.batch.row import Check, Limits, Row, bad_file, bad_row
from app.errors import InputError, Problem

SEPARATORS = (",", ";", "\t", "|")
MAX_COLUMNS = 1_000
"""Maximum number of columns, and about as many as are known."""
SAMPLE_ROWS = 100
"""Number of rows that are read before the first is returned, to find the decimal mark and columns that are not known;
fewer if they are long."""
_LINES = 10_000
"""Number of lines between two checks."""
_SEP_LINE = re.compile(rb'[ \t]*"?sep=([^\r\n])"?[ \t]*(?:\r\n|\n|\r|$)', re.IGNORECASE)
_CSV_INVALID = bad_row("csv_invalid", "is not valid CSV, too long, or has a quote that is not closed")
_CELLS = bad_row(
    "wrong_number_of_cells",
    "has more cells than there are columns; numbers with decimal commas need another separator between cells",
)
Cells = list[str]


@dataclass(frozen=True, slots=True)
class TableStart:
    """What the first rows of a table say about all of them, so that the others can be read in pieces."""

    header: tuple[str, ...]
    """Cells of the header."""
    separator: str
    """What stands between cells."""
    mark: Mark | None
    """Decimal mark; None if the first rows have none: the first number that does decides."""
    size: int
    """Bytes before the first row: the header, and what precedes it."""


def table_start(text: bytes, columns: Columns, limits: Limits, check: Check) -> TableStart | None:
    """Read the header of a table and its first rows.

    Args:
        text: The file, in UTF-8, or its beginning, of which a last line may be incomplete: at least the header and
            `SAMPLE_ROWS` rows, or twice the length that `limits` allow a row.
        columns: The columns that it may have.
        limits: Limits on the file.
        check: Called again and again.

    Returns:
        What they say; None if there is no header because all rows are empty.

    Raises:
        InputError: If the file is no table, or its header has repeated, unknown or missing columns.
    """
    begun = _begun(text, columns, limits, check)
    if begun is None:
        return None
    characters = text[begun.begin :].decode("utf-8", "surrogateescape")[: begun.characters]
    size = begun.begin + len(characters.encode("utf-8", "surrogateescape"))
    return TableStart(tuple(begun.header), begun.separator, begun.table.mark, size)


def complete_rows(text: bytes, separator: str, limits: Limits, check: Check) -> tuple[int, int]:
    """Find the end of the last row of a piece of a table that is certainly complete.

    Args:
        text: The piece, in UTF-8; it begins with a row.
        separator: Separator of the table.
        limits: Limits on the file.
        check: Called again and again.

    Returns:
        The number of bytes up to that end, and the number of rows in them that `Table.rows` returns.
    """
    lines = _RowLines(text, limits, check)
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    characters = number = 0
    while True:
        lines.begin_row()
        try:
            cells = next(rows)
            number += any(cell.strip() for cell in cells)
        except StopIteration:
            break
        except csv.Error:
            if lines.at_end:
                break
            number += 1
        characters = lines.characters
    return len(text.decode()[:characters].encode()), number


def table_rows(text: bytes, columns: Columns, limits: Limits, check: Check) -> Iterator[Row]:
    """Read the rows of a table.

    Args:
        text: The file, in UTF-8.
        columns: The columns that it may have.
        limits: Limits on the file.
        check: Called again and again.

    Returns:
        An iterator over the rows. Rows of empty cells are skipped.

    Raises:
        InputError: If the file is no table, or its header has repeated, unknown or missing columns.
    """
    begun = _begun(text, columns, limits, check)
    return begun.table.rows(chain(begun.sample, begun.records)) if begun else iter(())


class _Begun(NamedTuple):
    """A table whose first rows were read."""

    begin: int
    """Bytes of the line ``sep=``."""
    characters: int
    """Characters from there to the end of the header."""
    separator: str
    header: Cells
    table: "Table"
    sample: list[Cells | None]
    """The first rows."""
    records: Iterator[Cells | None]
    """The other rows."""


def _begun(text: bytes, columns: Columns, limits: Limits, check: Check) -> _Begun | None:
    """Read the first rows of a table; None if all rows are empty.

    Raises:
        InputError: If the file is no table, or its header has repeated, unknown or missing columns.
    """
    begin, separator = _sep_line(text)
    text = text[begin:]
    separator = separator or _separator(text, columns, limits, check)
    lines = _RowLines(text, limits, check)
    records = _records_of(lines, separator)
    header = _header(records)
    if not header:
        return None
    characters = lines.characters
    if len(header) > MAX_COLUMNS:
        raise bad_file("too_many_columns", f"has more than {MAX_COLUMNS} columns")
    table = Table(header, columns)
    sample = _sample(records, limits)
    table.check_header(sample)
    table.find_mark(sample, separator)
    return _Begun(begin, characters, separator, header, table, sample, records)


def _sep_line(text: bytes) -> tuple[int, str]:
    """The length of the line ``sep=`` and the separator that it names; 0 and no separator if there is no such line.

    Raises:
        InputError: If it names another separator.
    """
    line = _SEP_LINE.match(text)
    if line is None:
        return 0, ""
    separator = line[1].decode("utf-8", "replace")
    if separator not in SEPARATORS:
        raise bad_file("separator", "has a line sep= with another separator than comma, semicolon, tab or bar")
    return line.end(), separator


def _separator(text: bytes, columns: Columns, limits: Limits, check: Check) -> str:
    def score(separator: str) -> tuple[int, int]:
        try:
            header = _header(table_records(text, separator, limits, check))
        except InputError:
            header = []
        if not header:
            return 0, 2  # better than a header of one unknown column
        return sum(columns.find(name) is not None for name in header[:MAX_COLUMNS]), len(header)

    return max(SEPARATORS, key=score)


def _header(records: Iterator[Cells | None]) -> Cells:
    """Return the first row that is not empty; no cells if there is none.

    Raises:
        InputError: If it is not valid, or is none of the first rows.
    """
    for cells in islice(records, SAMPLE_ROWS):
        if cells is None:
            raise bad_file("csv_invalid", "has a header that is not valid CSV, or too long")
        if any(cell.strip() for cell in cells):
            return cells
    if next(records, None) is not None:
        raise bad_file("no_header", f"has no header: its first {SAMPLE_ROWS} rows are empty")
    return []


def _sample(records: Iterator[Cells | None], limits: Limits) -> list[Cells | None]:
    sample: list[Cells | None] = []
    size = 0
    for record in records:
        sample.append(record)
        size += sum(map(len, record or ())) + len(record or ())
        if len(sample) == SAMPLE_ROWS or size > limits.row_characters:
            break
    return sample


class _RowLines:
    """The lines of a table, for `csv.reader`, which joins those of a quoted cell; a row's length is limited."""

    def __init__(self, text: bytes, limits: Limits, check: Check) -> None:
        self._file = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
        self._check = check
        self._max = self._left = limits.row_characters
        self._number = 0
        self.characters = 0
        """Number of characters read so far."""
        self.at_end = False
        """Whether the file has no more lines."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """Return the next line.

        Raises:
            csv.Error: If the row is too long, in which case its line is skipped, or the file ends within a quoted cell.
            StopIteration: At the end of the file.
        """
        self._number += 1
        if self._number % _LINES == 0:
            self._check()
        line = self._file.readline(self._left + 1)
        self.characters += len(line)
        if not line:
            self.at_end = True
            if self._left < self._max:
                raise csv.Error
            raise StopIteration
        if len(line) > self._left:
            while line and not line.endswith(("\n", "\r")):
                self._check()
                line = self._file.readline(self._max)
                self.characters += len(line)
            raise csv.Error
        self._left -= len(line)
        return line

    def begin_row(self) -> None:
        """Count the characters of a new row."""
        self._left = self._max


def table_records(text: bytes, separator: str, limits: Limits, check: Check) -> Iterator[Cells | None]:
    """Read the cells of each row that is not an empty line; None for an invalid one.

    Args:
        text: The table or a piece of it, in UTF-8.
        separator: What stands between cells.
        limits: Limits on the file.
        check: Called again and again.
    """
    return _records_of(_RowLines(text, limits, check), separator)


def _records_of(lines: _RowLines, separator: str) -> Iterator[Cells | None]:
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    while True:
        lines.begin_row()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield None
            continue
        if cells:
            yield cells


class Table:
    """A table whose header is known."""

    def __init__(self, header: Sequence[str], columns: Columns, mark: Mark | None = None) -> None:
        """Create the table.

        Args:
            header: Cells of the header.
            columns: The columns that it may have.
            mark: Decimal mark of numbers; None if it is not known yet.
        """
        self._header = [name.strip() for name in header]
        self._columns = columns
        self._known: list[tuple[int, Column, str]] = []
        """Index of each column that is read, the column, and the field that it gives if that is a number."""
        self._unknown: list[tuple[int, str]] = []
        """Index and name of each column that may have no values."""
        self._is_table = False
        """Whether a column is known."""
        for index, name in enumerate(self._header):
            column = columns.find(name)
            self._is_table = self._is_table or column is not None
            if column is None and name and columns.others_kept:
                column = Column(name, "verbatim", name)
            if column is None:
                self._unknown.append((index, name))
            else:
                self._known.append((index, column, "" if column.number or column.kind != "number" else column.field))
        self.mark = mark
        """Decimal mark of numbers; None as long as no number has shown it."""

    @property
    def columns(self) -> Sequence[tuple[int, Column | None]]:
        """Index of each column, and the column; None if it is not known and may have no values."""
        return [*((index, column) for index, column, _ in self._known), *((index, None) for index, _ in self._unknown)]

    def check_header(self, sample: Sequence[Cells | None]) -> None:
        """Check the header, and that columns that are not known have no values in the first rows.

        Raises:
            InputError: With all problems of the header.
        """
        names = {column.field for _, column, _ in self._known}
        if not self._is_table:
            if all(is_missing(name) or mark_of(name) or name.isdecimal() for name in self._header):
                raise bad_file("no_header", "has no header: the first line must name the columns")
            raise bad_file(
                "unsupported_format", f"is neither JSON nor a table whose header has a known column; {ACCEPTED}"
            )
        problems = [*self._repeated()]
        for index, name in self._unknown:
            if any(cells and index < len(cells) and not is_missing(cells[index]) for cells in sample):
                problems.append(self._not_known(index, name))
        for ways in self._columns.required:
            if names.isdisjoint(ways):
                instead = "".join(f" (or {other})" for other in ways[1:])
                reason = f"is a required column, and the header does not have it{instead}"
                problems.append(Problem(ways[0], "missing", reason))
        if problems:
            raise InputError(problems)

    def _repeated(self) -> Iterator[Problem]:
        places: dict[str, list[int]] = defaultdict(list)
        known = {index: column.name for index, column, _ in self._known}
        for index, name in enumerate(self._header):
            if name:
                places[known.get(index, name)].append(index + 1)
        for name, numbers in places.items():
            if len(numbers) > 1:
                several = f"{', '.join(map(str, numbers[:-1][:10]))} and {numbers[-1]}"
                yield Problem(name, "repeated_column", f"is the name of the columns {several}")

    def _not_known(self, index: int, name: str) -> Problem:
        if name:
            return Problem(name, "unknown_column", f"is not a known column (it is the header's column {index + 1})")
        return Problem(f"column {index + 1}", "unnamed_column", "has values, but no name in the header")

    def find_mark(self, sample: Sequence[Cells | None], separator: str) -> None:
        """Find the decimal mark: comma if a number in the sample has one, and cells are not separated by commas."""
        if separator == ",":
            self.mark = "."
            return
        numbers = [index for index, column, _ in self._known if column.kind == "number"]
        marks = {mark_of(cells[index]) for cells in sample if cells for index in numbers if index < len(cells)}
        self.mark = "," if "," in marks else "." if "." in marks else None

    def rows(self, records: Iterator[Cells | None]) -> Iterator[Row]:
        """Convert the cells of each row."""
        width = len(self._header)
        for cells in records:
            if cells is None:
                yield _CSV_INVALID
            elif len(cells) > width and any(cell.strip() for cell in cells[width:]):
                yield _CELLS
            else:
                row = self.row(cells)
                if row is not None:
                    yield row

    def row(self, cells: Sequence[str]) -> Row | None:
        """Convert a row's cells; None if all are empty.

        Args:
            cells: As many as the header has, or fewer.
        """
        values: dict[str, Any] = {}
        items: dict[str, dict[int, dict[str, Any]]] = {}
        problems: list[Problem] = []
        size = len(cells)
        is_number = None if self.mark is None else NUMBERS[self.mark].fullmatch
        for index, column, simple in self._known:
            if index >= size:
                break
            cell = cells[index]
            if simple and is_number is not None and is_number(cell):  # nearly every cell of a number
                values[simple] = float(cell.replace(",", "."))
                continue
            kind = column.kind
            if not (cell.strip() if kind == "verbatim" else cell.strip().lower() not in MISSING):
                continue
            value: Any = cell
            try:
                if kind == "number" and self.mark is None:
                    self.mark = mark_of(cell)
                value = value_of(cell, kind, self.mark or ".")
            except CellError as error:
                problems.append(Problem(column.name, error.code, error.reason))
            if column.number:
                items.setdefault(column.field, {}).setdefault(column.number, {})[column.inner] = value
            else:
                values[column.field] = value
        for index, name in self._unknown:
            if index >= size:
                break
            if not is_missing(cells[index]):
                problems.append(self._not_known(index, name))
        if not items:
            if not values and not problems and not any(cell.strip() for cell in cells):
                return None
            return Row(values, tuple(problems))
        for name, found in items.items():
            if name in values:
                problems.append(Problem(name, "given_twice", "is given as a cell and in numbered columns; use one"))
            values[name] = [found[number] for number in sorted(found)]
        return Row(values, tuple(problems), {name: sorted(found) for name, found in items.items()})
