"""Judging: what a model gets right, by class, breed and trial, and how well it knows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.modes import upright
from app.domains.pets.pixels import Pixels, pixels
from training.pets.calibration import Numbers, bins, calibration_error
from training.pets.photos import LABELS, Photo
from training.pets.trials import TRIALS, Trial

Answer = Callable[[Pixels], Numbers]
"""Pictures, shape (n, size, size, 3), to probabilities, shape (n, 2)."""


def seen(photos: Sequence[Photo], size: int, trial: Trial = TRIALS["as it is"]) -> Pixels:
    """Photos as the service would give them to the model.

    Args:
        photos: What to read.
        size: Pixels on a side.
        trial: What is done to each first.

    Returns:
        Shape (n, size, size, 3), float32.
    """
    return np.concatenate([_seen(photo, size, trial) for photo in photos])


def _seen(photo: Photo, size: int, trial: Trial) -> Pixels:
    with Image.open(photo.path) as image:
        if trial is TRIALS["as it is"]:
            return pixels(image, size)
        return pixels(trial(upright(image)), size)


def labels_of(photos: Sequence[Photo]) -> NDArray[np.int64]:
    """Their labels, shape (n,)."""
    return np.array([photo.label for photo in photos])


def figures(probabilities: Numbers, photos: Sequence[Photo]) -> dict[str, Any]:
    """What a model's answers to photos are worth.

    Args:
        probabilities: Shape (n, 2).
        photos: What they are answers to.

    Returns:
        Photos, accuracy with its standard error, calibration error, confusion by class and by breed.
    """
    labels = labels_of(photos)
    right = probabilities.argmax(axis=1) == labels
    accuracy = float(right.mean())
    breeds = sorted({(photo.label, photo.breed) for photo in photos})
    of_breed = {breed: np.array([photo.breed == breed for photo in photos]) for _, breed in breeds}
    return {
        "photos": len(photos),
        "accuracy": accuracy,
        "accuracy_se": float(np.sqrt(accuracy * (1 - accuracy) / len(photos))),
        "calibration_error": calibration_error(probabilities, labels),
        "confusion": {
            name: {
                told: int((probabilities.argmax(axis=1)[labels == number] == other).sum())
                for other, told in enumerate(LABELS)
            }
            for number, name in enumerate(LABELS)
        },
        "breeds": {
            breed: {
                "kind": LABELS[label],
                "photos": int(of_breed[breed].sum()),
                "right": int(right[of_breed[breed]].sum()),
            }
            for label, breed in breeds
        },
    }


def by_trial(answer: Answer, photos: Sequence[Photo], size: int) -> dict[str, float]:
    """Accuracy on photos made worse in several ways.

    Args:
        answer: The model.
        photos: Ones that it has not learnt from.
        size: Pixels on a side.
    """
    labels = labels_of(photos)
    return {
        name: float((answer(seen(photos, size, trial)).argmax(axis=1) == labels).mean())
        for name, trial in TRIALS.items()
    }


def reliability(probabilities: Numbers, photos: Sequence[Photo]) -> list[dict[str, float]]:
    """The points of the reliability plot: photos, mean confidence and accuracy by bin of confidence."""
    return [bin._asdict() for bin in bins(probabilities, labels_of(photos))]
