"""Textures: pictures of neither cat nor dog, drawn so that they are as rough, patchy and coloured as photos are."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.pixels import Pixels, scaled

Map = NDArray[np.float64]


def textures(count: int, size: int, seed: int = 0) -> Pixels:
    """Pictures of four kinds in turn: clouds, stripes, patches, and light over a rough surface.

    Args:
        count: How many.
        size: Pixels on a side.
        seed: Draws them.

    Returns:
        Shape (count, size, size, 3), as models take them.
    """
    kinds = (_clouds, _stripes, _patches, _surface)
    pictures = []
    for number in range(count):
        draw = np.random.default_rng([seed, number])
        grey = kinds[number % len(kinds)](size, draw)
        grey = (grey - grey.min()) / np.ptp(grey)
        dark, light = np.sort(draw.uniform(0, 255, (2, 3)), axis=0)
        pictures.append((dark + grey[..., None] * (light - dark)).astype(np.uint8))
    return scaled(np.stack(pictures))


def _clouds(size: int, draw: np.random.Generator) -> Map:
    """Noise whose strength falls with frequency, as it does in photos (Field 1987)."""
    down, across = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    strength = np.hypot(down, across)
    strength[0, 0] = 1.0
    waves = np.fft.fft2(draw.normal(size=(size, size))) / strength ** draw.uniform(0.8, 1.6)
    return np.asarray(np.fft.ifft2(waves).real)


def _stripes(size: int, draw: np.random.Generator) -> Map:
    down, across = np.mgrid[:size, :size] / size
    turn, often = draw.uniform(0, np.pi), draw.uniform(2, 30)
    bent = 0.1 * _scaled(_clouds(size, draw))
    return np.asarray(np.sin(2 * np.pi * often * (down * np.sin(turn) + across * np.cos(turn) + bent)))


def _patches(size: int, draw: np.random.Generator) -> Map:
    cells = int(draw.integers(3, 40))
    grid = Image.fromarray(draw.integers(0, 256, (cells, cells)).astype(np.uint8))
    smooth = Image.Resampling.BICUBIC if draw.random() < 0.5 else Image.Resampling.NEAREST
    return np.asarray(grid.resize((size, size), smooth), dtype=np.float64)


def _surface(size: int, draw: np.random.Generator) -> Map:
    slope = np.gradient(_clouds(size, draw))[int(draw.integers(2))]
    down, across = np.mgrid[:size, :size] / size
    return np.asarray(_scaled(slope) + draw.uniform(-2, 2) * down + draw.uniform(-2, 2) * across)


def _scaled(values: Map) -> Map:
    return np.asarray((values - values.mean()) / values.std())
