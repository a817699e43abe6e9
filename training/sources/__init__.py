"""Recipe data in the Punk API's shape, from a file, a folder or an HTTP API."""

from pathlib import Path
from urllib.parse import urlsplit

from training.sources.base import Recipe, RecipeDataset, TrainingSource, read
from training.sources.files import CsvFile, JsonFile, JsonFolder, JsonLinesFile
from training.sources.http_pages import HttpPages

__all__ = ["Recipe", "RecipeDataset", "TrainingSource", "read_recipes", "training_source"]

_BY_SUFFIX: dict[str, type[JsonFile]] = {".csv": CsvFile, ".jsonl": JsonLinesFile}


def training_source(location: str) -> TrainingSource:
    """Choose the source for a location.

    Args:
        location: Path of a ``.json`` file (an array or one object), of a ``.jsonl`` file (one object a line), of a
            ``.csv`` file with the same column names, or of a folder of ``.json`` files; or the ``http(s)://`` address
            of an API with pages, see `HttpPages`.
    """
    if urlsplit(location).scheme in ("http", "https"):
        return HttpPages(location)
    path = Path(location)
    if path.is_dir():
        return JsonFolder(path)
    return _BY_SUFFIX.get(path.suffix, JsonFile)(path)


def read_recipes(location: str) -> RecipeDataset:
    """Read all recipes at a location; see `training_source`.

    Raises:
        SourceError: If the recipes cannot be read or are malformed.
    """
    return read(training_source(location))
