"""Figures of a picture model: accuracy by class, breed and corruption, and calibration."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.modes import upright
from app.domains.pets.pixels import Pixels, pixels
from training.pets.calibration import Numbers, bins, calibration_error
from training.pets.corruptions import CORRUPTIONS, UNCHANGED
from training.pets.photos import LABELS, Photo

Predict = Callable[[Pixels], Numbers]
"""Takes pictures, shape (n, size, size, 3); returns probabilities, shape (n, 2)."""


def model_inputs(photos: Sequence[Photo], size: int, corruption: str = UNCHANGED) -> Pixels:
    """Prepare photos as the service does.

    Args:
        photos: The photos.
        size: Width and height of the pictures, pixels.
        corruption: Name in `CORRUPTIONS`; applied to each photo first.

    Returns:
        Shape (n, size, size, 3), float32.
    """
    return np.concatenate([_model_input(photo, size, corruption) for photo in photos])


def _model_input(photo: Photo, size: int, corruption: str) -> Pixels:
    with Image.open(photo.path) as image:
        if corruption == UNCHANGED:
            return pixels(image, size)
        return pixels(CORRUPTIONS[corruption](upright(image)), size)


def labels_of(photos: Sequence[Photo]) -> NDArray[np.int64]:
    """Return the photos' labels, shape (n,)."""
    return np.array([photo.label for photo in photos])


def figures(probabilities: Numbers, photos: Sequence[Photo]) -> dict[str, Any]:
    """Compute the figures of predictions.

    Args:
        probabilities: Shape (n, 2).
        photos: The photos they were made for.

    Returns:
        Number of photos, accuracy with its standard error, calibration error, confusion matrix, and hits by breed.
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
                predicted: int((probabilities.argmax(axis=1)[labels == label] == other).sum())
                for other, predicted in enumerate(LABELS)
            }
            for label, name in enumerate(LABELS)
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


def accuracy_by_corruption(predict: Predict, photos: Sequence[Photo], size: int) -> dict[str, float]:
    """Measure the accuracy on corrupted photos.

    Args:
        predict: The model.
        photos: Photos that it was not trained on.
        size: Width and height of the pictures, pixels.
    """
    labels = labels_of(photos)
    return {
        name: float((predict(model_inputs(photos, size, name)).argmax(axis=1) == labels).mean()) for name in CORRUPTIONS
    }


def reliability(probabilities: Numbers, photos: Sequence[Photo]) -> list[dict[str, float]]:
    """Return the points of the reliability plot: photos, mean confidence and accuracy by bin of confidence."""
    return [bin._asdict() for bin in bins(probabilities, labels_of(photos))]
