"""Reads the rows of a file, for training and for answering alike: JSON or a table (CSV), also compressed with gzip.

The format is detected from the contents, because delivery streams write object names without an extension. A file is
read once, with limits on everything that it can multiply. docs/files.md documents the formats.
"""

from collections.abc import Iterator

from app.batch.columns import Columns
from app.batch.decoding import check_utf8, text_of
from app.batch.formats import ACCEPTED, other_format
from app.batch.json_rows import json_rows
from app.batch.row import Check, Limits, Row, bad_file
from app.batch.table import table_rows

LIMITS = Limits()
"""Limits of the cloud function."""


def _go_on() -> None:
    """Check nothing."""


def read_rows(data: bytes, columns: Columns, check: Check = _go_on, limits: Limits = LIMITS) -> Iterator[Row]:
    """Read the rows of a file in order.

    Args:
        data: The file.
        columns: The columns that a table may have.
        check: Called again and again while the file is read; what it raises is passed on.
        limits: Limits on the file.

    Returns:
        An iterator over the rows, some of which have problems. Empty lines are skipped.

    Raises:
        InputError: If the file cannot be read: too large, too complex, truncated, not UTF-8, of another format, an
            invalid JSON array, or a table with a faulty header.
    """
    text = text_of(data, limits, check)
    name = other_format(text)
    if name is not None:
        raise bad_file("unsupported_format", f"is {name}; {ACCEPTED}")
    first = text.lstrip(b" \t\r\n\f\v")[:1]
    if not first:
        return iter(())
    if first in (b"[", b"{"):
        return json_rows(text, columns.names, limits, check)
    check_utf8(text, check)
    return table_rows(text, columns, limits, check)
