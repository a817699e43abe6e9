"""Rows of a part, a thousand or ten thousand at a time: those of plain numbers as arrays, the others one by one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import compute, csv, parquet

from app.batch.answers import CARRIED, LABEL
from app.batch.cells import MISSING
from app.batch.columns import Columns
from app.batch.json_rows import line_rows
from app.batch.row import Row, bad_file
from app.batch.rows import read_rows
from app.batch.table import SAMPLE_ROWS, Table, TableStart, table_records
from app.batch.typed import typed_columns, typed_row
from app.scoring.plan import LIMITS, Part, Plan, array_text, has_plain_quotes
from app.scoring.sources import Source, Text, reading

Numbers = NDArray[np.float64]
Carried: TypeAlias = Any
"""What identifies rows: an array of text of pyarrow, or a list of the values of JSON."""
PIECE_ROWS = 65_536
"""Rows of a piece that is not bounded by its bytes, or whose rows are read one by one."""
TABLE_ROWS = 65_536
"""Most rows of a piece of a table."""
_NUMBER = {mark: rf"^-?[0-9]+(?:{mark}[0-9]+)?(?:[eE][+-]?[0-9]+)?$" for mark in (r"\.", ",")}
"""By decimal mark: numbers that every reader reads alike. The others are read cell by cell."""
_EXACT = 2**53
"""Integers below it are exact as float64."""
_NUMBERS = frozenset({float, int, type(None)})
_SCALARS = frozenset({str, float, int, bool, type(None)})
_WORDS = sorted({form for word in MISSING for form in (word, word.upper(), word.capitalize(), "NaN", "N/a")})
_MISSING = pyarrow.array(_WORDS)


@dataclass(slots=True)
class Piece:
    """Some consecutive rows."""

    first_row: int
    """Number of the first row."""
    plain: NDArray[np.bool_]
    """Which rows have nothing but numbers in the fields that can be answered as arrays, and what identifies them."""
    numbers: Numbers
    """Their numbers, shape (n_rows, n_fields); NaN is missing."""
    carried: dict[str, Carried]
    """``id`` and ``name`` of each row; None where it has none. One that no row has may be left out."""
    row: Callable[[int], Row]
    """Returns a row by its index."""

    def carried_of(self, places: NDArray[np.intp]) -> dict[str, Carried]:
        """Return what identifies some rows.

        Args:
            places: Their indexes, ascending.
        """
        if len(places) == len(self):
            return dict(self.carried)
        return {name: _taken(values, places) for name, values in self.carried.items()}

    def __len__(self) -> int:
        return len(self.plain)


class Reader:
    """Reads the rows of a source's parts, best in their order."""

    def __init__(self, plan: Plan, columns: Columns, fields: Sequence[str]) -> None:
        """Create the reader; nothing is read yet.

        Args:
            plan: The plan of the source.
            columns: The columns that a table may have.
            fields: Fields that can be answered as arrays.
        """
        self._plan, self._columns, self._fields = plan, columns, tuple(fields)
        self._text: Text | None = None

    def close(self) -> None:
        """Close the source."""
        if self._text is not None:
            self._text.close()
            self._text = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pieces(self, part: Part) -> Iterator[Piece]:
        """Read the rows of a part of a source that is no recipe file.

        Args:
            part: The part.

        Yields:
            The rows, in order.

        Raises:
            InputError: If the source cannot be read.
        """
        number = part.first_row
        for piece in self._read(part):
            piece.first_row = number
            number += len(piece)
            yield piece

    def whole(self) -> bytes:
        """Read the text of a source that is read as one piece.

        Raises:
            InputError: If it cannot be read, or is too large.
        """
        with Text(self._plan.source) as text:
            data = text.read(LIMITS.file_bytes + 1)
        if len(data) > LIMITS.file_bytes:
            raise bad_file("too_large", f"is larger than {LIMITS.file_bytes} bytes, and not one JSON object per line")
        return data

    def _read(self, part: Part) -> Iterator[Piece]:
        plan = self._plan
        if plan.format == "parquet":
            yield from _parquet(plan.source, part, self._columns, self._fields)
        elif plan.format == "whole":
            yield from _of_all_rows(read_rows(self.whole(), self._columns, limits=LIMITS), self._fields)
        else:
            yield from self._blocks(part)

    def _blocks(self, part: Part) -> Iterator[Piece]:
        start = self._plan.start
        if self._text is None or not self._text.skip_to(part.start):
            self.close()
            self._text = Text(self._plan.source)
            self._text.skip_to(part.start)
        table = Table(start.header, self._columns, start.mark) if start else None
        for size, _ in part.blocks:
            block = self._text.read(size)
            if self._plan.format == "array":
                yield from _of_all_rows(read_rows(array_text(block), self._columns, limits=LIMITS), self._fields)
            elif start is None or table is None:
                yield from _of_all_rows(line_rows(block, LIMITS), self._fields)
            else:
                yield from _of_table(block, table, start, self._fields)


def _of_all_rows(rows: Iterator[Row], fields: tuple[str, ...]) -> Iterator[Piece]:
    """Make pieces of rows that are read one by one."""
    while chunk := list(islice(rows, PIECE_ROWS)):
        yield _of_rows(chunk, fields)


def _of_rows(rows: list[Row], fields: tuple[str, ...]) -> Piece:
    """Make a piece of rows that were read one by one."""
    found: list[list[Any]] = []
    places: list[int] = []
    allowed = {*fields, *CARRIED, LABEL}
    for index, row in enumerate(rows):
        values = row.values
        if values is None or row.problems or row.numbers or not allowed.issuperset(values):
            continue
        numbers = list(map(values.get, fields))
        if _NUMBERS.issuperset(map(type, numbers)) and _SCALARS.issuperset(map(type, map(values.get, CARRIED))):
            places.append(index)
            found.append(numbers)
    try:
        table = np.array(found, np.float64).reshape(len(found), len(fields))
    except OverflowError:  # an integer that no float64 holds
        places, found, table = [], [], np.empty((0, len(fields)))
    missing = np.isnan(table)
    is_plain = np.ones(len(places), np.bool_)
    if np.count_nonzero(missing) != sum(numbers.count(None) for numbers in found):  # NaN is an error of its row
        is_plain = np.array([not any(value != value for value in numbers) for numbers in found], np.bool_)
    is_plain &= (missing | (np.abs(table) < _EXACT)).all(axis=1)
    plain = np.zeros(len(rows), np.bool_)
    plain[np.array(places, np.intp)[is_plain]] = True
    everything = np.full((len(rows), len(fields)), np.nan)
    everything[plain] = table[is_plain]
    carried: dict[str, Carried] = {name: [(row.values or {}).get(name) for row in rows] for name in CARRIED}
    return Piece(0, plain, everything, carried, rows.__getitem__)


def _of_table(block: bytes, table: Table, start: TableStart, fields: tuple[str, ...]) -> Iterator[Piece]:
    """Make pieces of some lines of a table."""
    if table.mark is not None and b"\x00" not in block and has_plain_quotes(block, start.separator):
        try:
            cells = csv.read_csv(
                pyarrow.BufferReader(block),
                csv.ReadOptions(
                    use_threads=False, block_size=len(block) + 1, column_names=_numbered(len(start.header))
                ),
                csv.ParseOptions(
                    delimiter=start.separator, quote_char='"' if b'"' in block else False, newlines_in_values=False
                ),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(_numbered(len(start.header)), pyarrow.string()),
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            ).combine_chunks()
        except pyarrow.ArrowInvalid:  # rows that are shorter or longer than the header, for example
            pass
        else:
            for first in range(0, cells.num_rows, TABLE_ROWS):
                yield _of_cells(cells.slice(first, TABLE_ROWS), table, fields)
            return
    yield from _of_all_rows(table.rows(table_records(block, start.separator, LIMITS, lambda: None)), fields)


def _numbered(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def _of_cells(cells: pyarrow.Table, table: Table, fields: tuple[str, ...]) -> Piece:
    count = cells.num_rows
    plain = np.ones(count, np.bool_)
    has_value = np.zeros(count, np.bool_)
    numbers = np.full((count, len(fields)), np.nan)
    carried: dict[str, Carried] = {}
    mark = "," if table.mark == "," else r"\."
    for index, column in table.columns:
        texts = _flat(cells.column(index))
        empty = compute.equal(texts, "")
        if compute.all(empty).as_py():
            continue
        name = "" if column is None or column.number else column.field
        if name in CARRIED:
            carried[name] = _without_blanks(compute.utf8_ltrim(texts, " "))
            has_value |= _mask(compute.is_valid(carried[name]))
            continue
        missing = _mask(compute.is_in(texts, _MISSING))
        if name not in fields and name != LABEL:
            plain &= missing
            continue
        is_number = _mask(compute.match_substring_regex(texts, _NUMBER[mark]))
        plain &= missing | is_number
        if name == LABEL:
            has_value |= is_number
            continue
        texts = compute.if_else(pyarrow.array(is_number), texts, None)
        if mark == ",":
            texts = compute.replace_substring(texts, ",", ".")
        numbers[:, fields.index(name)] = compute.cast(texts, pyarrow.float64()).to_numpy(zero_copy_only=False)
    has_value |= ~np.isnan(numbers).all(axis=1)
    plain &= has_value
    return _with_others(cells, table, plain, numbers, carried)


def _with_others(
    cells: pyarrow.Table, table: Table, plain: NDArray[np.bool_], numbers: Numbers, carried: dict[str, Carried]
) -> Piece:
    """Make a piece of the plain rows of a table and of the others, which are read one by one; without empty rows."""
    others = np.flatnonzero(~plain)
    chosen = cells.take(pyarrow.array(others))
    rows = dict(
        zip(
            others.tolist(),
            map(table.row, zip(*(_stripped(column) for column in chosen.columns), strict=True)),
            strict=True,
        )
    )

    def row_at(index: int) -> Row:
        row = rows.get(index)
        if row is None:  # of plain numbers, which are not valid
            row = table.row([cell for column in cells.slice(index, 1).columns for cell in _stripped(column)])
        return row or Row({})

    kept = np.ones(len(plain), np.bool_)
    kept[[index for index, row in rows.items() if row is None]] = False
    if not kept.all():
        places = np.flatnonzero(kept).tolist()
        carried = {name: _taken(values, np.array(places, np.intp)) for name, values in carried.items()}
        return Piece(0, plain[kept], numbers[kept], carried, lambda index: row_at(places[index]))
    return Piece(0, plain, numbers, carried, row_at)


def _flat(column: Any) -> Any:
    """The one array of a column."""
    return column.chunk(0) if column.num_chunks == 1 else pyarrow.concat_arrays(column.chunks)


def _mask(array: Any) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = array.to_numpy(zero_copy_only=False).astype(np.bool_)
    return found


def _stripped(column: Any) -> list[str]:
    """The cells as Python's reader of CSV has them, which skips spaces after the separator."""
    return [cell.lstrip(" ") for cell in column.to_pylist()]


def _parquet(source: Source, part: Part, columns: Columns, fields: tuple[str, ...]) -> Iterator[Piece]:
    groups = list(range(part.start, part.start + len(part.blocks)))
    with reading("Parquet"), source.open() as raw:
        file = parquet.ParquetFile(raw)
        names = file.schema_arrow.names
        at_once = _rows_at_once(file.metadata)
        table = Table(names, columns)
        if len(set(names)) == len(names):
            sample = next(file.iter_batches(min(SAMPLE_ROWS, at_once), row_groups=[0], use_threads=False), None)
            table.check_header([["" if value is None else "1" for value in row.values()] for row in _rows(sample)])
        else:
            table.check_header([])
        known = typed_columns(names, columns)
        for batch in file.iter_batches(at_once, row_groups=groups, use_threads=False):
            yield _of_batch(batch, known, fields)


def _rows_at_once(metadata: Any) -> int:
    """So many rows of a Parquet file that they are not large.

    Raises:
        InputError: If a single row is too large.
    """
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    largest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    if largest > LIMITS.file_bytes:
        raise bad_file("too_large", f"has rows of more than {LIMITS.file_bytes} bytes")
    return max(min(PIECE_ROWS, LIMITS.file_bytes // max(largest, 1)), 1)


def _rows(batch: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [] if batch is None else batch.to_pylist()
    return rows


def _of_batch(batch: Any, known: Sequence[tuple[str, Any]], fields: tuple[str, ...]) -> Piece:
    count = batch.num_rows
    plain = np.ones(count, np.bool_)
    numbers = np.full((count, len(fields)), np.nan)
    carried: dict[str, Carried] = {}
    for index, (_, column) in enumerate(known):
        values = batch.column(index)
        if values.null_count == count:
            continue
        name = "" if column is None or column.number else column.field
        is_number = pyarrow.types.is_floating(values.type) or pyarrow.types.is_integer(values.type)
        if name in CARRIED and not pyarrow.types.is_nested(values.type):
            carried[name] = _identifiers(values)
        elif name in fields and is_number:
            if pyarrow.types.is_integer(values.type):
                plain &= _mask(
                    compute.fill_null(
                        compute.less(compute.abs(compute.cast(values, pyarrow.float64(), safe=False)), float(_EXACT)),
                        True,
                    )
                )
            numbers[:, fields.index(name)] = compute.cast(values, pyarrow.float64(), safe=False).to_numpy(
                zero_copy_only=False
            )
        elif name != LABEL or not is_number:
            plain &= _mask(compute.is_null(values, nan_is_null=True))

    def row(index: int) -> Row:
        return typed_row(batch.slice(index, 1).to_pylist()[0], known)

    return Piece(0, plain, numbers, carried, row)


def _identifiers(values: Any) -> Carried:
    """What identifies rows, as `typed_row` has it."""
    if pyarrow.types.is_integer(values.type) or values.type in (pyarrow.string(), pyarrow.large_string()):
        return _without_blanks(compute.cast(values, pyarrow.string()))
    return [_identifier(value) for value in values.to_pylist()]


def _without_blanks(texts: pyarrow.Array) -> pyarrow.Array:
    """Texts with null in place of blank ones."""
    return compute.if_else(compute.equal(compute.utf8_trim_whitespace(texts), ""), None, texts)


def _taken(values: Carried, places: NDArray[np.intp]) -> Carried:
    if isinstance(values, list):
        return [values[place] for place in places.tolist()]
    return values.take(pyarrow.array(places))


def _identifier(value: Any) -> str | None:
    """What identifies a row, as `typed_row` has it."""
    if value is None or value != value:
        return None
    text = str(value)
    return text if text.strip() else None
