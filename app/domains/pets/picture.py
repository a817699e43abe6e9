"""Pictures: bytes that a stranger sent to pixels, or a reason why not; what they cost is bounded before it is spent."""

import io
from typing import NamedTuple

from PIL import Image

from app.domains.pets.headers import Format, read_header

MOST_PIXELS: dict[Format, int] = {"JPEG": 40_000_000, "PNG": 20_000_000, "WEBP": 16_000_000}
"""Pixels of a picture that are decoded in less than a second; a JPEG is decoded no larger than need be."""
SMALLEST = 16
"""Pixels of the short side below which there is nothing to see."""
MOST_PASSES = 800_000_000
"""Pixels times scans: cameras' progressive JPEG have about ten scans, and thousands fit a small file."""


class PictureError(Exception):
    """Bytes that are no picture to be answered."""

    def __init__(self, code: str, reason: str) -> None:
        """Initialize the picture error.

        Args:
            code: A stable word for programs.
            reason: A sentence for people, without anything of the picture.
        """
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Opened(NamedTuple):
    """A picture that can be decoded; it is when its pixels are first asked for."""

    image: Image.Image
    is_animated: bool
    """Whether frames follow the first."""


def opened(data: bytes) -> Opened:
    """A picture by its contents, whatever its name or type says.

    Args:
        data: The whole file.

    Raises:
        PictureError: It is none of the three formats, too small, too large or broken before its pixels begin.
    """
    header = read_header(data)
    if header is None:
        raise PictureError("no_picture", "must be a JPEG, PNG or WebP picture")
    _check_size(header.format, header.width, header.height)
    if header.scans * header.width * header.height > MOST_PASSES:
        raise PictureError("too_many_scans", "must have fewer scans or fewer pixels")
    try:
        image = Image.open(io.BytesIO(data), formats=(header.format,))
        animated = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    except Exception as error:  # Pillow's readers let slip whatever their parsers meet
        raise broken() from error
    _check_size(header.format, *image.size)  # what Pillow takes for the size is what it sets memory aside for
    return Opened(image, animated)


def broken() -> PictureError:
    """What is said of a picture whose pixels cannot be had."""
    return PictureError("broken_picture", "is cut off or broken: its pixels cannot be read")


def _check_size(kind: Format, width: int, height: int) -> None:
    if min(width, height) < SMALLEST:
        raise PictureError("too_small", f"must be at least {SMALLEST} pixels on each side")
    if width * height > MOST_PIXELS[kind]:
        raise PictureError("too_many_pixels", f"must have at most {MOST_PIXELS[kind]:,} pixels as a {kind}")
