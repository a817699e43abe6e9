"""Views: parts of photos as a camera might have framed them, drawn at random."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.modes import upright

SIDE = 224
"""Pixels on a side of a view: what the teacher takes."""
_CLOSEST, _FARTHEST = 0.4, 1.4
"""Side of a view against the photo's short side; beyond the photo's edge its mirror image goes on."""
_STRETCH = 0.25
_TURN = np.radians(25)
_TURNED = 0.4
_LARGEST = 256

View = NDArray[np.uint8]
Draw = np.random.Generator


def opened(photo: Image.Image) -> View:
    """A photo with its mirror images around it, from which views are drawn.

    Args:
        photo: Of any mode and size.

    Returns:
        Shape (2 height, 2 width, 3) of the photo at a short side of at most 256 pixels.
    """
    image = upright(photo)
    shrink = _LARGEST / min(image.size)
    if shrink < 1:
        image = image.resize((round(image.width * shrink), round(image.height * shrink)), Image.Resampling.BICUBIC)
    margins = ((image.height // 2,) * 2, (image.width // 2,) * 2, (0, 0))
    return np.pad(np.asarray(image), margins, mode="symmetric")


def view(photo: View, draw: Draw) -> View:
    """One view of a photo: near or far, off the middle, stretched, at times turned.

    Args:
        photo: From `opened`.
        draw: Source of chance.

    Returns:
        Shape (224, 224, 3).
    """
    height, width = photo.shape[0] / 2, photo.shape[1] / 2
    side = min(height, width) * np.exp(draw.uniform(np.log(_CLOSEST), np.log(_FARTHEST)))
    stretch = np.exp(draw.uniform(-_STRETCH, _STRETCH) / 2)
    turn = draw.uniform(-_TURN, _TURN) if draw.random() < _TURNED else 0.0
    across, down = side * stretch / SIDE, side / stretch / SIDE
    middle_x = photo.shape[1] / 2 + draw.uniform(-0.5, 0.5) * max(width - side, 0.2 * side)
    middle_y = photo.shape[0] / 2 + draw.uniform(-0.5, 0.5) * max(height - side, 0.2 * side)
    a, b, d, e = np.cos(turn) * across, -np.sin(turn) * down, np.sin(turn) * across, np.cos(turn) * down
    c, f = middle_x - (a + b) * SIDE / 2, middle_y - (d + e) * SIDE / 2
    image = Image.fromarray(photo).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC
    )
    return np.asarray(image)


def mixed(one: View, other: View, draw: Draw) -> tuple[View, float]:
    """Two views as one: laid over each other, or a part of one in the other.

    Args:
        one: A view.
        other: Another.
        draw: Source of chance.

    Returns:
        The picture, and the share of the first in it.
    """
    share = float(draw.uniform(0.3, 0.7))
    if draw.random() < 0.5:
        blend = one * np.float32(share) + other * np.float32(1 - share)
        return blend.round().astype(np.uint8), share
    cut = round(SIDE * share)
    placed = np.array(one)
    if draw.random() < 0.5:
        placed[:, cut:] = other[:, cut:]
    else:
        placed[cut:] = other[cut:]
    return placed, cut / SIDE


def shrunk(picture: View, size: int) -> View:
    """A picture at the network's size."""
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))
