"""Opens untrusted pictures: checks format, size and decoding cost before memory is allocated."""

import io
from typing import NamedTuple

from PIL import Image

from app.domains.pets.headers import Format, read_header

MAX_PIXELS: dict[Format, int] = {"JPEG": 40_000_000, "PNG": 20_000_000, "WEBP": 16_000_000}
"""Maximum number of pixels, by format: decoding takes less than a second. A JPEG is decoded at reduced size."""
MIN_SIDE = 16
"""Minimum length of the short side, pixels."""
MAX_PIXEL_PASSES = 800_000_000
"""Maximum of pixels times scans: progressive JPEGs from cameras have about ten scans, hostile ones thousands."""


class PictureError(Exception):
    """The bytes are not a valid picture."""

    def __init__(self, code: str, reason: str) -> None:
        """Initialize the error.

        Args:
            code: Stable error code.
            reason: Sentence for people; contains no data of the picture.
        """
        super().__init__(reason)
        self.code = code
        self.reason = reason


class OpenedPicture(NamedTuple):
    """A picture that can be decoded; decoding happens on first access to its pixels.

    Attributes:
        image: The picture.
        is_animated: Whether it has more than one frame.
    """

    image: Image.Image
    is_animated: bool


def open_picture(data: bytes) -> OpenedPicture:
    """Open a picture; its format is detected from its contents.

    Args:
        data: The whole file.

    Raises:
        PictureError: If the file is not a JPEG, PNG or WebP, is too small or too large, or has a broken header.
    """
    header = read_header(data)
    if header is None:
        raise PictureError("no_picture", "must be a JPEG, PNG or WebP picture")
    _check_size(header.format, header.width, header.height)
    if header.scans * header.width * header.height > MAX_PIXEL_PASSES:
        raise PictureError("too_many_scans", "must have fewer scans or fewer pixels")
    try:
        image = Image.open(io.BytesIO(data), formats=(header.format,))
        animated = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    except Exception as error:  # Pillow's readers raise exceptions of many types for broken files
        raise unreadable() from error
    _check_size(header.format, *image.size)  # Pillow allocates memory by its own reading of the size
    return OpenedPicture(image, animated)


def unreadable() -> PictureError:
    """Return the error for a picture whose pixels cannot be decoded."""
    return PictureError("broken_picture", "is cut off or broken: its pixels cannot be read")


def _check_size(kind: Format, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise PictureError("too_small", f"must be at least {MIN_SIDE} pixels on each side")
    if width * height > MAX_PIXELS[kind]:
        raise PictureError("too_many_pixels", f"must have at most {MAX_PIXELS[kind]:,} pixels as a {kind}")
