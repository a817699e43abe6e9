"""Recipes from files on disk."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from training.errors import SourceError
from training.sources.base import Recipe, TrainingSource, checked


class JsonFile(TrainingSource):
    """A JSON file: an array of recipes, or one recipe."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes in the file's order."""
        return checked(self.name, self.rows())

    def rows(self) -> list[object]:
        """Parse the file, and set its digest.

        Raises:
            SourceError: If the file cannot be read or parsed.
        """
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise SourceError(f"{self._path}: cannot be read: {error.strerror}") from None
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            return self._parse(data.decode("utf-8-sig"))
        except (ValueError, RecursionError, csv.Error) as error:
            raise SourceError(f"{self.name}: not {self._path.suffix.lstrip('.') or 'json'}: {error}") from None

    def _parse(self, text: str) -> list[object]:
        document = json.loads(text)
        return document if isinstance(document, list) else [document]


class JsonLinesFile(JsonFile):
    """A JSON Lines file: one recipe a line."""

    def _parse(self, text: str) -> list[object]:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


class CsvFile(JsonFile):
    """A CSV file with the Punk API's field names as its header; empty cells are missing values."""

    def _parse(self, text: str) -> list[object]:
        return [{key: cell or None for key, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


class JsonFolder(TrainingSource):
    """A folder of JSON files, sorted by name."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes of all files."""
        files = (JsonFile(path) for path in sorted(self._path.glob("*.json")))
        return checked(self.name, chain.from_iterable(file.rows() for file in files))
