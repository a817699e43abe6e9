"""Photos: those of a folder with their labels, and which of them are held out."""

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
"""Breeds of which the network never sees a photo: three of each kind, from hairless to heavy."""
TESTED, TUNED = 0.15, 0.08
"""Shares of the other photos that measure the network, and that choose its temperature."""
_KINDS = (".jpg", ".jpeg", ".png", ".webp")

Part = Literal["train", "tune", "test", "breeds"]


class Photo(NamedTuple):
    """One photo."""

    path: Path
    label: int
    """Its place in `LABELS`."""
    breed: str
    source: str
    """SHA-256 of the file it was made from: photos that share it never part."""

    @property
    def part(self) -> Part:
        """What it is for; told by its breed and its source alone, so that more photos move none from part to part."""
        if self.breed in HELD_OUT_BREEDS:
            return "breeds"
        place = int(self.source[:8], 16) / 2**32
        return "test" if place < TESTED else "tune" if place < TESTED + TUNED else "train"


def read_photos(folder: Path) -> list[Photo]:
    """The photos of a folder: ``cat/*`` and ``dog/*``, sorted by name.

    Breed and source come from ``manifest.csv`` (columns file, breed, src_sha256) where there is one; else the breed
    is the file's name up to its last underscore and the source is the file itself.

    Args:
        folder: Holds ``cat`` and ``dog``.

    Raises:
        SourceError: The folder or its manifest cannot be read, or a label has no photo.
    """
    try:
        told = _told(folder / MANIFEST)
        found = [
            _photo(path, number, told.get(f"{label}/{path.name}"))
            for number, label in enumerate(LABELS)
            for path in sorted((folder / label).iterdir())
            if path.suffix.lower() in _KINDS
        ]
    except OSError as error:
        raise SourceError(f"{folder}: photos cannot be read: {error.strerror}") from None
    except (KeyError, csv.Error, UnicodeDecodeError):
        raise SourceError(f"{folder / MANIFEST}: has no columns file, breed and src_sha256") from None
    for number, label in enumerate(LABELS):
        if not any(photo.label == number for photo in found):
            raise SourceError(f"{folder / label}: no photo here")
    return found


def of_part(photos: Sequence[Photo], part: Part) -> list[Photo]:
    """The photos that are for one purpose, in their order."""
    return [photo for photo in photos if photo.part == part]


def digest(photos: Sequence[Photo]) -> str:
    """SHA-256 over labels and sources: the same photos give the same, wherever they lie."""
    lines = sorted(f"{LABELS[photo.label]} {photo.breed} {photo.source}\n" for photo in photos)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _told(path: Path) -> dict[str, tuple[str, str]]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: (row["breed"], row["src_sha256"]) for row in csv.DictReader(file)}


def _photo(path: Path, label: int, told: tuple[str, str] | None) -> Photo:
    breed, source = told or (path.stem.rpartition("_")[0], hashlib.sha256(path.read_bytes()).hexdigest())
    return Photo(path, label, breed, source)
