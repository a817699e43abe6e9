"""Photos of a folder with their labels, and their split into training and held-out photos."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from training.errors import SourceError

LABELS = ("cat", "dog")
"""In the order of the models' outputs."""
MANIFEST = "manifest.csv"
HELD_OUT_BREEDS = ("Birman", "Bombay", "Sphynx", "chihuahua", "pug", "saint_bernard")
"""Breeds whose photos are never trained on: three of each kind, from hairless to heavy."""
TEST_SHARE, TUNE_SHARE = 0.15, 0.08
"""Shares of the other photos for testing, and for choosing hyper-parameters and the temperature."""
_KINDS = (".jpg", ".jpeg", ".png", ".webp")

Split = Literal["train", "tune", "test", "breeds"]


class Photo(NamedTuple):
    """One photo."""

    path: Path
    label: int
    """Index into `LABELS`."""
    breed: str
    source: str
    """SHA-256 of the original file; photos with the same source are in the same split."""

    @property
    def split(self) -> Split:
        """The photo's split; depends on its breed and source only, so new photos never move existing ones."""
        if self.breed in HELD_OUT_BREEDS:
            return "breeds"
        position = int(self.source[:8], 16) / 2**32
        return "test" if position < TEST_SHARE else "tune" if position < TEST_SHARE + TUNE_SHARE else "train"


def read_photos(folder: Path) -> list[Photo]:
    """Read the photos of a folder: ``cat/*`` and ``dog/*``, sorted by name.

    ``manifest.csv`` (columns file, breed, src_sha256) states breed and source. For photos that it does not list, the
    breed is the file's name up to its last underscore and the source is the file itself.

    Args:
        folder: Folder with ``cat`` and ``dog``.

    Raises:
        SourceError: If the folder or its manifest cannot be read, or a label has no photos.
    """
    try:
        listed = _listed(folder / MANIFEST)
        photos = [
            _photo(path, index, listed.get(f"{label}/{path.name}"))
            for index, label in enumerate(LABELS)
            for path in sorted((folder / label).iterdir())
            if path.suffix.lower() in _KINDS
        ]
    except OSError as error:
        raise SourceError(f"{folder}: photos cannot be read: {error.strerror}") from None
    except (KeyError, csv.Error, UnicodeDecodeError):
        raise SourceError(f"{folder / MANIFEST}: no columns file, breed and src_sha256") from None
    for index, label in enumerate(LABELS):
        if not any(photo.label == index for photo in photos):
            raise SourceError(f"{folder / label}: contains no photos")
    return photos


def of_split(photos: Sequence[Photo], split: Split) -> list[Photo]:
    """Return the photos of one split, in their order."""
    return [photo for photo in photos if photo.split == split]


def digest(photos: Sequence[Photo]) -> str:
    """Return the SHA-256 of labels, breeds and sources; it does not depend on the photos' folder."""
    lines = sorted(f"{LABELS[photo.label]} {photo.breed} {photo.source}\n" for photo in photos)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _listed(path: Path) -> dict[str, tuple[str, str]]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: (row["breed"], row["src_sha256"]) for row in csv.DictReader(file)}


def _photo(path: Path, label: int, listed: tuple[str, str] | None) -> Photo:
    breed, source = listed or (path.stem.rpartition("_")[0], hashlib.sha256(path.read_bytes()).hexdigest())
    return Photo(path, label, breed, source)
