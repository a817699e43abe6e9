"""The file of the usage: one JSON document, to which several processes add. It is always replaced as a whole."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from app.shared_file import locked, replace

MAX_BYTES = 16 * 1024**2
"""Maximum size of a file that is read."""
MAX_ENTRIES = 50_000
"""Maximum number of entries, some 4 MB: 100 keys for a year and more. The oldest days are dropped first."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Key = tuple[str, str]
"""Day in UTC, such as ``2026-01-31``, and id of a key."""
Usage = dict[Key, tuple[int, int, int]]
"""Calls, rows and refused calls, by day and key."""


def read_usage(path: Path) -> Usage:
    """Read the file; a missing file is empty.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not a file of the usage.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    if len(text) > MAX_BYTES:
        raise ValueError("it is too large")
    try:
        document = json.loads(text)
        return {
            (_day(day), str(key)): (int(calls), int(rows), int(refused))
            for day, keys in document["days"].items()
            for key, (calls, rows, refused) in keys.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("it is not a file of the usage") from None


def _day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError
    return text


def add_usage(path: Path, new: Mapping[Key, tuple[int, int, int]]) -> None:
    """Add counts to the file, one process at a time.

    Args:
        path: The file; its folder must exist.
        new: What to add.

    Raises:
        OSError: If it cannot be read or written; it is unchanged then.
        ValueError: If it is not a file of the usage.
    """
    with locked(path):
        usage = read_usage(path)
        for key, counts in new.items():
            before = usage.get(key, (0, 0, 0))
            usage[key] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
        kept = sorted(usage)[-MAX_ENTRIES:]
        replace(path, _text({key: usage[key] for key in kept}))


def _text(usage: Usage) -> str:
    days: dict[str, dict[str, tuple[int, int, int]]] = {}
    for (day, key), counts in usage.items():
        days.setdefault(day, {})[key] = counts
    return json.dumps({"format_version": 1, "days": days}) + "\n"
