"""Recipe data in: a file, a folder of one-beer files, or a paginated HTTP endpoint, all in the Punk API's shape."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from training.errors import SourceError
from training.pages import read_pages

Beer = dict[str, Any]
"""One beer as the source gives it: ``id``, ``name``, ``abv``, ``ibu``, ``target_og``, ..., ``ingredients``."""


@dataclass(frozen=True)
class Recipes:
    """Beers as read, before any cleaning."""

    source: str
    """File name or address, without folders, credentials or query."""
    sha256: str
    """Digest of the file's bytes, or of the beers in canonical JSON where there is no single file."""
    beers: tuple[Beer, ...]


def read_recipes(location: str) -> Recipes:
    """Read recipe data.

    Args:
        location: A ``.json`` file (array, or one object), a ``.jsonl`` file (an object a line), a ``.csv`` file with
            the same column names, a folder of one-beer ``.json`` files, or an ``http(s)://`` address whose
            ``/beers?page=N&per_page=80`` gives arrays until an empty one.

    Returns:
        The beers in the order of the source; a folder's files sorted by name.

    Raises:
        SourceError: It cannot be read or is not in that shape.
    """
    parts = urlsplit(location)
    if parts.scheme in ("http", "https"):
        shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        return _of_rows(shown, read_pages(location))
    path = Path(location)
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        return _of_rows(path.name, [beer for file in files for beer in _parse(file, _bytes(file))])
    data = _bytes(path)
    return Recipes(path.name, hashlib.sha256(data).hexdigest(), _beers(path.name, _parse(path, data)))


def _of_rows(source: str, rows: list[Any]) -> Recipes:
    canonical = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Recipes(source, hashlib.sha256(canonical.encode()).hexdigest(), _beers(source, rows))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None


def _parse(path: Path, data: bytes) -> list[Any]:
    try:
        text = data.decode("utf-8-sig")
        if path.suffix == ".csv":
            return [{key: cell or None for key, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        read = json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise SourceError(f"{path.name}: not {path.suffix.lstrip('.') or 'json'}: {error}") from None
    return read if isinstance(read, list) else [read]


def _beers(source: str, rows: list[Any]) -> tuple[Beer, ...]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise SourceError(f"{source}: row {number} is not a beer but {type(row).__name__}")
    if not rows:
        raise SourceError(f"{source}: no beers here")
    return tuple(rows)
