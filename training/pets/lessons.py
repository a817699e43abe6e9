"""Lessons: views of the photos to learn from and what the teacher says of each, drawn once and kept on disk."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from training.pets.photos import Photo, digest
from training.pets.teacher import Numbers
from training.pets.views import View, mixed, opened, shrunk, view

_PROGRESS = "lessons.json"
_AT_ONCE = 8


class Guide(Protocol):
    """Who says what the network is to learn of a picture."""

    @property
    def sha256(self) -> str:
        """What tells one from another."""

    @property
    def widths(self) -> tuple[int, int]:
        """How many features and logits it gives."""

    def __call__(self, pictures: View) -> tuple[Numbers, Numbers]:
        """Features and logits of pictures, shape (n, 224, 224, 3), uint8."""


class Nobody:
    """Stands for a teacher where none is given: the labels are all that is learnt from."""

    sha256 = ""
    widths = (0, 0)

    def __call__(self, pictures: View) -> tuple[Numbers, Numbers]:
        """Nothing."""
        nothing = np.zeros((len(pictures), 0), np.float32)
        return nothing, nothing


class Lessons(NamedTuple):
    """What is learnt from."""

    place: Path
    """Folder that keeps it."""
    pictures: View
    """Shape (n_photos, n_views, size, size, 3), uint8."""
    dogs: Numbers
    """Shape (n_photos, n_views): the share of dog in the label; between 0 and 1 where two views are mixed."""
    features: NDArray[np.float16]
    """The teacher's, shape (n_photos, n_views, n_features)."""
    logits: NDArray[np.float16]
    """The teacher's, shape (n_photos, n_views, n_classes)."""


class Plan(NamedTuple):
    """How lessons are drawn."""

    size: int
    """Pixels on a side."""
    plain: int = 24
    """Views of a photo alone, ..."""
    mixed: int = 16
    """... and mixed with one of another photo."""
    seed: int = 0


def lessons(photos: Sequence[Photo], plan: Plan, guide: Guide, state: Path, say: Callable[[str], None]) -> Lessons:
    """Draw the lessons, or go on where drawing them was interrupted.

    Args:
        photos: To learn from.
        plan: How to draw.
        guide: Who says what is seen.
        state: Folder that keeps them.
        say: Told of each hundredth part.
    """
    wanted = {"photos": digest(photos), "plan": list(plan), "guide": guide.sha256, "format": 1}
    place = state / f"lessons-{hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    done = _progress(place)
    kept = _arrays(place, len(photos), plan, guide.widths, "r+" if done else "w+")
    for first in range(done, len(photos), _AT_ONCE):
        for number in range(first, min(first + _AT_ONCE, len(photos))):
            _draw(photos, number, plan, guide, kept)
        for array in kept[1:]:
            if isinstance(array, np.memmap):
                array.flush()
        _note(place, first + _AT_ONCE)
        if first // _AT_ONCE % 10 == 0:
            say(f"lessons: {first + _AT_ONCE} of {len(photos)} photos")
    return kept


def _draw(photos: Sequence[Photo], number: int, plan: Plan, guide: Guide, kept: Lessons) -> None:
    draw = np.random.default_rng([plan.seed, number])
    photo = photos[number]
    source = _source(photo)
    pictures = [view(source, draw) for _ in range(plan.plain)]
    dogs = [float(photo.label)] * plan.plain
    for _ in range(plan.mixed):
        other = photos[int(draw.integers(len(photos)))]
        picture, share = mixed(view(source, draw), view(_source(other), draw), draw)
        pictures.append(picture)
        dogs.append(share * photo.label + (1 - share) * other.label)
    kept.pictures[number] = [shrunk(picture, plan.size) for picture in pictures]
    kept.dogs[number] = dogs
    kept.features[number], kept.logits[number] = guide(np.stack(pictures))


def _source(photo: Photo) -> View:
    with Image.open(photo.path) as image:
        return opened(image)


def _arrays(place: Path, photos: int, plan: Plan, widths: tuple[int, int], mode: str) -> Lessons:
    rows = (photos, plan.plain + plan.mixed)
    shapes: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        "pictures": (np.uint8, (*rows, plan.size, plan.size, 3)),
        "dogs": (np.float32, rows),
        "features": (np.float16, (*rows, widths[0])),
        "logits": (np.float16, (*rows, widths[1])),
    }
    arrays = {name: _array(place / f"{name}.npy", mode, *kind) for name, kind in shapes.items()}
    return Lessons(place, **cast(Any, arrays))


def _array(path: Path, mode: str, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    if 0 in shape:
        return np.zeros(shape, dtype)  # nothing to keep, and nothing can be mapped to no bytes
    return open_memmap(path, mode, dtype, shape)


def _progress(place: Path) -> int:
    try:
        return int(json.loads((place / _PROGRESS).read_text("utf-8"))["photos"])
    except FileNotFoundError:
        return 0


def _note(place: Path, photos: int) -> None:
    staged = place / f".{_PROGRESS}"
    with staged.open("w", encoding="utf-8") as file:
        json.dump({"photos": photos}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(staged, place / _PROGRESS)
