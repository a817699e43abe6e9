"""Pixels: a picture as the models take it; training and serving use this one function."""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.modes import as_rgb, shrinkable, turned

Pixels = NDArray[np.float32]

_ROOM = 2
"""Times the models' size to which a large picture is shrunk coarsely before it is shrunk finely."""


def fit(image: Image.Image, size: int) -> Image.Image:
    """The largest square in the middle of a picture, at the models' size.

    Args:
        image: Of any mode and size, not decoded yet; a JPEG is decoded no larger than need be.
        size: Pixels on a side.

    Returns:
        RGB, turned as its EXIF orientation says, size x size.
    """
    image.draft(None, (_ROOM * size, _ROOM * size))
    image.load()
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    square = shrinkable(image).resize(
        (size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side), reducing_gap=_ROOM
    )
    return turned(as_rgb(square), image)


def scaled(values: NDArray[np.uint8]) -> Pixels:
    """Bytes of pictures as numbers, as the reference backbone takes them.

    Args:
        values: Of any shape, uint8.

    Returns:
        Of that shape, float32: pixel / 127 - 1.
    """
    return cast(Pixels, values.astype(np.float32) / np.float32(127) - np.float32(1))


def pixels(image: Image.Image, size: int) -> Pixels:
    """A picture as the models take it: `fit`, then `scaled`.

    Args:
        image: Of any mode and size.
        size: Pixels on a side, as the bundle declares it.

    Returns:
        Shape (1, size, size, 3), float32.
    """
    return scaled(np.asarray(fit(image, size))[None])
