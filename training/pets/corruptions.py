"""Corruptions: typical defects of photos, to measure how robust models are."""

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import Image, ImageEnhance, ImageFilter

UNCHANGED = "as it is"
Corruption = Callable[[Image.Image], Image.Image]


def _rotated(image: Image.Image) -> Image.Image:
    """Rotate by 20 degrees and crop the empty corners."""
    rotated = image.rotate(20, Image.Resampling.BICUBIC)
    side = round(min(image.size) * 0.78)
    return _middle(rotated, side, side)


def _middle(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _cropped(image: Image.Image) -> Image.Image:
    return _middle(image, round(image.width * 0.6), round(image.height * 0.6))


def _corner(image: Image.Image) -> Image.Image:
    return image.crop((0, 0, round(image.width * 0.75), round(image.height * 0.75)))


def _compressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=10)
    return Image.open(file)


def _downscaled(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 48 // min(image.size), image.height * 48 // min(image.size)))


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        UNCHANGED: lambda image: image,
        "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "blurred (radius 2 px of 160)": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
        "dark (30 % of the light)": lambda image: ImageEnhance.Brightness(image).enhance(0.3),
        "without colour": lambda image: image.convert("L").convert("RGB"),
        "turned by 20 degrees": _rotated,
        "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
        "middle 60 % only": _cropped,
        "upper left 75 % only": _corner,
        "48 px on the short side": _downscaled,
        "JPEG at quality 10": _compressed,
    }
)
"""By name; each takes and returns an upright RGB image."""
