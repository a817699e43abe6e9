"""Synthetic images of coloured squares, identical on every machine and with every library version."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Synthetic


def synthetic_rows(rule: Synthetic, shape: Sequence[int]) -> NDArray[np.float32]:
    """Make images from a seed.

    A row's colours are the bytes of SHAKE-256 over ``<seed>:<row>``, from the upper left square to the lower right;
    a byte becomes byte / 127 - 1, as for pixels of photos.

    Args:
        rule: Seed, number of rows, and number of squares along each side.
        shape: Shape of the input: rows, height, width, channels.

    Returns:
        Shape (rule.rows, height, width, channels), float32, from -1 to 1.008.
    """
    _, height, width, channels = shape
    count = rule.cells * rule.cells * channels
    digests = [hashlib.shake_256(f"{rule.seed}:{row}".encode()).digest(count) for row in range(rule.rows)]
    squares = np.frombuffer(b"".join(digests), np.uint8).reshape(rule.rows, rule.cells, rule.cells, channels)
    down = np.arange(height) * rule.cells // height
    across = np.arange(width) * rule.cells // width
    pixels = squares[:, down][:, :, across]
    return pixels.astype(np.float32) / np.float32(127) - np.float32(1)
