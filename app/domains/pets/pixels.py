"""Pixels: a picture as input of the models, by one function that training and serving share."""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.modes import as_rgb, exif_orientation_of, shrinkable, turned

Pixels = NDArray[np.float32]

REDUCING_GAP = 2
"""Multiple of the final size to which a large picture is reduced by a fast method before the final resampling."""


def fit(image: Image.Image, size: int, orientation: int | None = None) -> Image.Image:
    """Crop the largest centred square of a picture and resize it.

    Args:
        image: Picture of any mode and size, not decoded yet; a JPEG is decoded at reduced size.
        size: Side length of the result, pixels.
        orientation: EXIF orientation; None: read it with Pillow, from a picture that is trusted.

    Returns:
        RGB, turned by its EXIF orientation, size x size.
    """
    image.draft(None, (REDUCING_GAP * size, REDUCING_GAP * size))
    image.load()
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    square = shrinkable(image).resize(
        (size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side), reducing_gap=REDUCING_GAP
    )
    return turned(as_rgb(square), exif_orientation_of(image) if orientation is None else orientation)


def scaled(values: NDArray[np.uint8]) -> Pixels:
    """Scale pixel values as the reference backbone expects them.

    Args:
        values: Pixels of any shape, uint8.

    Returns:
        pixel / 127 - 1 in the same shape, float32.
    """
    return cast(Pixels, values.astype(np.float32) / np.float32(127) - np.float32(1))


def pixels(image: Image.Image, size: int, orientation: int | None = None) -> Pixels:
    """Convert a picture to the input of the models: `fit`, then `scaled`.

    Args:
        image: Picture of any mode and size.
        size: Side length that the bundle declares, pixels.
        orientation: See `fit`.

    Returns:
        Shape (1, size, size, 3), float32.
    """
    return scaled(np.asarray(fit(image, size, orientation))[None])
