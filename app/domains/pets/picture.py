"""Opens untrusted pictures: checks format, size and decoding cost before memory is allocated."""

import io
import math
from typing import NamedTuple

from PIL import Image

from app.domains.pets.headers import Format, Header, read_header
from app.domains.pets.pixels import REDUCING_GAP

MAX_PIXELS: dict[Format, int] = {"JPEG": 40_000_000, "PNG": 20_000_000, "WEBP": 10_000_000}
"""Maximum number of pixels, by format: decoding takes less than a second. A JPEG is decoded at reduced size."""
MAX_DECODED_BYTES = 160_000_000
"""Maximum bytes of memory that decoding a picture may take, by its header."""
LARGEST_INPUT = 256
"""Side length in pixels that models take at most; it decides how far a JPEG is reduced."""
_JPEG_SCALES = (1, 2, 4, 8)
"""By how much libjpeg reduces a picture while it decodes it."""
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
        orientation: EXIF orientation, 1 to 8. Do not ask Pillow for it: its reader's memory is unbounded.
    """

    image: Image.Image
    is_animated: bool
    orientation: int


def open_picture(data: bytes) -> OpenedPicture:
    """Open a picture; its format is detected from its contents.

    Args:
        data: The whole file.

    Raises:
        PictureError: If the file is not a JPEG, PNG or WebP, is too small or too large, or has a broken header.
    """
    header = _checked_header(data)
    try:
        image = Image.open(io.BytesIO(header.data), formats=(header.format,))
        is_animated = header.is_animated or bool(getattr(image, "is_animated", False))
    except Exception as error:  # Pillow's readers raise exceptions of many types for broken files
        raise unreadable() from error
    if image.size != (header.width, header.height):  # Pillow allocates memory by its own reading of the size
        raise unreadable()
    return OpenedPicture(image, is_animated, header.orientation)


def decoded_bytes(data: bytes) -> int:
    """Estimate the memory that decoding a picture takes, from its header.

    Args:
        data: The whole file.

    Returns:
        Bytes, without the file itself; 0 if `open_picture` rejects the file.
    """
    try:
        return _decoded_bytes(_checked_header(data))
    except PictureError:
        return 0


def _checked_header(data: bytes) -> Header:
    header = read_header(data)
    if header is None:
        raise PictureError("no_picture", "must be a JPEG, PNG or WebP picture")
    if min(header.width, header.height) < MIN_SIDE:
        raise PictureError("too_small", f"must be at least {MIN_SIDE} pixels on each side")
    pixels = header.width * header.height
    if pixels > MAX_PIXELS[header.format]:
        raise PictureError(
            "too_many_pixels", f"must have at most {MAX_PIXELS[header.format]:,} pixels as a {header.format}"
        )
    if _decoded_bytes(header) > MAX_DECODED_BYTES:
        raise PictureError("too_many_pixels", "must have fewer pixels, as pixels of its kind take much memory")
    if header.scans * pixels > MAX_PIXEL_PASSES:
        raise PictureError("too_many_scans", "must have fewer scans or fewer pixels")
    return header


def _decoded_bytes(header: Header) -> int:
    reduction = 1
    if header.format == "JPEG":
        ratio = min(header.width, header.height) // (REDUCING_GAP * LARGEST_INPUT)
        reduction = max(scale for scale in _JPEG_SCALES if scale <= max(ratio, 1))
    pixel_bytes = header.coefficient_bytes + header.pixel_bytes / reduction**2
    return math.ceil(header.width * header.height * pixel_bytes) + header.table_bytes


def unreadable() -> PictureError:
    """Return the error for a picture whose pixels cannot be decoded."""
    return PictureError("broken_picture", "is cut off or broken: its pixels cannot be read")
