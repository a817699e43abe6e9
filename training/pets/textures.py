"""Textures: synthetic pictures of neither cat nor dog, with the roughness and colours of photos."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domains.pets.pixels import Pixels, scaled

Map = NDArray[np.float64]


def textures(count: int, size: int, seed: int = 0) -> Pixels:
    """Generate textures of four kinds in turn: clouds, stripes, patches, and light over a rough surface.

    Args:
        count: Number of pictures.
        size: Width and height, pixels.
        seed: Random seed.

    Returns:
        Shape (count, size, size, 3), as model inputs.
    """
    pictures = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        grey = grey_texture(index % len(_KINDS), size, rng)
        dark, light = np.sort(rng.uniform(0, 255, (2, 3)), axis=0)
        pictures.append((dark + grey[..., None] * (light - dark)).astype(np.uint8))
    return scaled(np.stack(pictures))


def grey_texture(kind: int, size: int, rng: np.random.Generator) -> Map:
    """Generate one texture without colour: clouds (0), stripes (1), patches (2) or a rough surface (3).

    Returns:
        Shape (size, size), from 0 to 1.
    """
    grey = _KINDS[kind](size, rng)
    return np.asarray((grey - grey.min()) / np.ptp(grey))


def _clouds(size: int, rng: np.random.Generator) -> Map:
    """Generate noise whose amplitude falls with frequency, as in photos (Field 1987)."""
    down, across = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    strength = np.hypot(down, across)
    strength[0, 0] = 1.0
    waves = np.fft.fft2(rng.normal(size=(size, size))) / strength ** rng.uniform(0.8, 1.6)
    return np.asarray(np.fft.ifft2(waves).real)


def _stripes(size: int, rng: np.random.Generator) -> Map:
    down, across = np.mgrid[:size, :size] / size
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(2, 30)
    bent = 0.1 * _scaled(_clouds(size, rng))
    return np.asarray(np.sin(2 * np.pi * frequency * (down * np.sin(angle) + across * np.cos(angle) + bent)))


def _patches(size: int, rng: np.random.Generator) -> Map:
    cells = int(rng.integers(3, 40))
    grid = Image.fromarray(rng.integers(0, 256, (cells, cells)).astype(np.uint8))
    smooth = Image.Resampling.BICUBIC if rng.random() < 0.5 else Image.Resampling.NEAREST
    return np.asarray(grid.resize((size, size), smooth), dtype=np.float64)


def _surface(size: int, rng: np.random.Generator) -> Map:
    slope = np.gradient(_clouds(size, rng))[int(rng.integers(2))]
    down, across = np.mgrid[:size, :size] / size
    return np.asarray(_scaled(slope) + rng.uniform(-2, 2) * down + rng.uniform(-2, 2) * across)


def _scaled(values: Map) -> Map:
    return np.asarray((values - values.mean()) / values.std())


_KINDS = (_clouds, _stripes, _patches, _surface)
