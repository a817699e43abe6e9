"""Distillation data: random crops of the training photos with the teacher's outputs, computed once and kept on disk."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from training.pets.crops import Pictures, mix, padded, random_crop, resize
from training.pets.photos import Photo, digest
from training.pets.teacher import Numbers, Teacher
from training.trainer import Log

_PROGRESS = "progress.json"
_BATCH_SIZE = 8


class DistillationData(NamedTuple):
    """Crops, their labels and the teacher's outputs."""

    folder: Path
    """Folder of the arrays."""
    pictures: Pictures
    """Crops, shape (n_photos, n_crops, size, size, 3), uint8."""
    dogs: Numbers
    """Share of dog, shape (n_photos, n_crops); between 0 and 1 for mixed crops."""
    features: NDArray[np.float16]
    """The teacher's features, shape (n_photos, n_crops, n_features)."""
    logits: NDArray[np.float16]
    """The teacher's logits, shape (n_photos, n_crops, n_classes)."""


class CropPlan(NamedTuple):
    """Number and size of the crops; the field names are those of the manifest's ``plan``."""

    size: int
    """Width and height, pixels."""
    plain: int = 24
    """Crops of one photo."""
    mixed: int = 16
    """Crops mixed with a crop of another photo."""
    seed: int = 0


def distillation_data(
    photos: Sequence[Photo], plan: CropPlan, teacher: Teacher, state: Path, log: Log
) -> DistillationData:
    """Compute the distillation data, or resume an interrupted computation.

    Args:
        photos: Training photos.
        plan: Number and size of the crops.
        teacher: Gives features and logits.
        state: Folder that keeps intermediate results.
        log: Receives a line on progress.
    """
    key = {"photos": digest(photos), "plan": list(plan), "teacher": teacher.sha256, "format": 1}
    folder = state / f"distillation-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    done = _progress(folder)
    data = _arrays(folder, len(photos), plan, teacher.widths, "r+" if done else "w+")
    for first in range(done, len(photos), _BATCH_SIZE):
        for index in range(first, min(first + _BATCH_SIZE, len(photos))):
            _compute(photos, index, plan, teacher, data)
        for array in data[1:]:
            if isinstance(array, np.memmap):
                array.flush()
        _save_progress(folder, first + _BATCH_SIZE)
        if first // _BATCH_SIZE % 10 == 0:
            log(f"distillation data: {first + _BATCH_SIZE} of {len(photos)} photos")
    return data


def _compute(photos: Sequence[Photo], index: int, plan: CropPlan, teacher: Teacher, data: DistillationData) -> None:
    rng = np.random.default_rng([plan.seed, index])
    photo = photos[index]
    source = _source(photo)
    pictures = [random_crop(source, rng) for _ in range(plan.plain)]
    dogs = [float(photo.label)] * plan.plain
    for _ in range(plan.mixed):
        other = photos[int(rng.integers(len(photos)))]
        picture, share = mix(random_crop(source, rng), random_crop(_source(other), rng), rng)
        pictures.append(picture)
        dogs.append(share * photo.label + (1 - share) * other.label)
    data.pictures[index] = [resize(picture, plan.size) for picture in pictures]
    data.dogs[index] = dogs
    data.features[index], data.logits[index] = teacher(np.stack(pictures))


def _source(photo: Photo) -> Pictures:
    with Image.open(photo.path) as image:
        return padded(image)


def _arrays(folder: Path, photos: int, plan: CropPlan, widths: tuple[int, int], mode: str) -> DistillationData:
    rows = (photos, plan.plain + plan.mixed)
    shapes: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        "pictures": (np.uint8, (*rows, plan.size, plan.size, 3)),
        "dogs": (np.float32, rows),
        "features": (np.float16, (*rows, widths[0])),
        "logits": (np.float16, (*rows, widths[1])),
    }
    arrays = {name: _array(folder / f"{name}.npy", mode, *kind) for name, kind in shapes.items()}
    return DistillationData(folder, **cast(Any, arrays))


def _array(path: Path, mode: str, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[np.generic]:
    if 0 in shape:
        return np.zeros(shape, dtype)  # an empty file cannot be mapped
    return open_memmap(path, mode, dtype, shape)


def _progress(folder: Path) -> int:
    try:
        return int(json.loads((folder / _PROGRESS).read_text("utf-8"))["photos"])
    except FileNotFoundError:
        return 0


def _save_progress(folder: Path, photos: int) -> None:
    staged = folder / f".{_PROGRESS}"
    with staged.open("w", encoding="utf-8") as file:
        json.dump({"photos": photos}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(staged, folder / _PROGRESS)
