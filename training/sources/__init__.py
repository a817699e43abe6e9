"""Recipe data from a file, a folder, a bucket or an HTTP API, brought into the Punk API's shape."""

from pathlib import Path
from urllib.parse import urlsplit

from training.sources.base import Recipe, RecipeDataset, TrainingSource, read
from training.sources.bucket import S3, BucketFolder
from training.sources.files import JsonFolder, RecipeFile
from training.sources.http_pages import HttpPages
from training.sources.styles import add_styles

__all__ = ["Recipe", "RecipeDataset", "TrainingSource", "add_styles", "read_recipes", "training_source"]


def training_source(location: str, s3_endpoint: str = "") -> TrainingSource:
    """Choose the source for a location.

    Args:
        location: Path of a file, JSON or CSV (docs/files.md), or of a folder of ``.json`` files; an ``s3://`` prefix,
            see `BucketFolder`; or the ``http(s)://`` address of an API with pages, see `HttpPages`.
        s3_endpoint: Address of an S3-compatible store; empty: AWS.
    """
    if location.startswith(S3):
        return BucketFolder(location, s3_endpoint)
    if urlsplit(location).scheme in ("http", "https"):
        return HttpPages(location)
    path = Path(location)
    if path.is_dir():
        return JsonFolder(path)
    return RecipeFile(path)


def read_recipes(location: str, s3_endpoint: str = "") -> RecipeDataset:
    """Read all recipes at a location; see `training_source`.

    Raises:
        SourceError: If the recipes cannot be read or are malformed.
    """
    return read(training_source(location, s3_endpoint))
