"""Random crops of photos, as a camera might have framed them."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.modes import upright

SIDE = 224
"""Width and height of a crop, pixels: the teacher's input."""
_MIN_SIDE, _MAX_SIDE = 0.4, 1.4
"""Side of a crop as a multiple of the photo's short side; beyond its edges a photo is mirrored."""
_STRETCH = 0.25
_MAX_ROTATION = np.radians(25)
_ROTATED_SHARE = 0.4
_MAX_SHORT_SIDE = 256
_MIN_BORDER, _MAX_BORDER = 0.22, 0.6
"""Side of a patch from a photo's border as a share of its short side."""

Pictures = NDArray[np.uint8]


def padded(photo: Image.Image) -> Pictures:
    """Pad a photo with its mirror images, for `random_crop`.

    Args:
        photo: Photo of any mode and size.

    Returns:
        Shape (2 height, 2 width, 3), with the photo reduced to a short side of at most 256 pixels.
    """
    image = upright(photo)
    shrink = _MAX_SHORT_SIDE / min(image.size)
    if shrink < 1:
        image = image.resize((round(image.width * shrink), round(image.height * shrink)), Image.Resampling.BICUBIC)
    margins = ((image.height // 2,) * 2, (image.width // 2,) * 2, (0, 0))
    return np.pad(np.asarray(image), margins, mode="symmetric")


def random_crop(photo: Pictures, rng: np.random.Generator) -> Pictures:
    """Crop a photo at random: near or far, off centre, stretched, sometimes rotated.

    Args:
        photo: From `padded`.
        rng: Random generator.

    Returns:
        Shape (224, 224, 3).
    """
    height, width = photo.shape[0] / 2, photo.shape[1] / 2
    side = min(height, width) * np.exp(rng.uniform(np.log(_MIN_SIDE), np.log(_MAX_SIDE)))
    stretch = np.exp(rng.uniform(-_STRETCH, _STRETCH) / 2)
    angle = rng.uniform(-_MAX_ROTATION, _MAX_ROTATION) if rng.random() < _ROTATED_SHARE else 0.0
    across, down = side * stretch / SIDE, side / stretch / SIDE
    middle_x = photo.shape[1] / 2 + rng.uniform(-0.5, 0.5) * max(width - side, 0.2 * side)
    middle_y = photo.shape[0] / 2 + rng.uniform(-0.5, 0.5) * max(height - side, 0.2 * side)
    a, b, d, e = np.cos(angle) * across, -np.sin(angle) * down, np.sin(angle) * across, np.cos(angle) * down
    c, f = middle_x - (a + b) * SIDE / 2, middle_y - (d + e) * SIDE / 2
    image = Image.fromarray(photo).transform(
        (SIDE, SIDE), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC
    )
    return np.asarray(image)


def border_crop(photo: Image.Image, rng: np.random.Generator) -> Pictures:
    """Cut a square patch from the border of a photo, where the background is.

    Args:
        photo: Photo of any mode and size.
        rng: Random generator.

    Returns:
        Shape (224, 224, 3).
    """
    image = upright(photo)
    side = round(min(image.size) * rng.uniform(_MIN_BORDER, _MAX_BORDER))
    across, down = image.width - side, image.height - side
    left, top = rng.uniform(0, across), rng.uniform(0, down)
    edge = int(rng.integers(4))
    left, top = ((0, top), (across, top), (left, 0), (left, down))[edge]
    patch = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    return np.asarray(patch)


def mix(first: Pictures, second: Pictures, rng: np.random.Generator) -> tuple[Pictures, float]:
    """Mix two crops: blended (mixup), or a part of one replaced by the other (CutMix).

    Args:
        first: A crop.
        second: Another crop.
        rng: Random generator.

    Returns:
        The picture, and the share of the first crop in it.
    """
    share = float(rng.uniform(0.3, 0.7))
    if rng.random() < 0.5:
        blend = first * np.float32(share) + second * np.float32(1 - share)
        return blend.round().astype(np.uint8), share
    cut = round(SIDE * share)
    picture = np.array(first)
    if rng.random() < 0.5:
        picture[:, cut:] = second[:, cut:]
    else:
        picture[cut:] = second[cut:]
    return picture, cut / SIDE


def resize(picture: Pictures, size: int) -> Pictures:
    """Resize a picture to the network's input size, pixels."""
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))
