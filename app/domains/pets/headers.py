"""Picture files before they are decoded: format, size, memory that decoding takes, and the file without its metadata.

Each reader walks over the parts of a file (segments, chunks) and keeps those that the pixels need. What Pillow would do
with the others is unbounded: it collects them, decompresses texts and profiles, and follows every entry of EXIF data.
"""

import struct
from typing import Literal, NamedTuple

from app.domains.pets.orientation import UPRIGHT, exif_orientation

Format = Literal["JPEG", "PNG", "WEBP"]

MAX_PARTS = 10_000
"""Maximum number of parts that a file has before its pixels, and of chunks of a PNG; cameras write fewer than 100."""
_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"

_NO_LENGTH = {0x01, *range(0xD0, 0xD8)}
"""JPEG markers without a length field."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""JPEG markers that start a frame and contain its size."""
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_START_OF_SCAN = 0xDA
_SCAN = b"\xff\xda"
_FILL = b"\xff\xff"
"""Padding before a marker, of which libjpeg takes 0.1 us a byte."""
_APP1 = 0xE1
_METADATA = {*range(0xE0, 0xF0), 0xFE} - {0xE0, 0xEE}
"""JPEG markers of metadata and comments. JFIF (E0) and Adobe (EE) tell how the colours are encoded."""

_PIXEL_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_PNG_BYTES = {0: 1, 2: 4, 3: 5, 4: 8, 6: 8}
"""Bytes that decoding takes for a pixel, by colour type: measured, with the conversions of `app.domains.pets.modes`."""
_PNG_SIXTEEN_BIT_GREY = 11
_PNG_TRANSPARENT = 8
"""Additional bytes for a pixel where a colour is transparent, and so the picture is converted to RGBA."""
_WEBP_BYTES = 16
"""Bytes that decoding takes for a pixel: libwebp's two canvases, their copy, and Pillow's picture."""
_COLOURED_BYTES = 4
"""Bytes of a decoded JPEG pixel in Pillow's memory."""


class Header(NamedTuple):
    """Header of a picture.

    Attributes:
        format: File format.
        width: Width in pixels.
        height: Height in pixels.
        pixel_bytes: Bytes of memory that decoding takes for each pixel, at full size.
        coefficient_bytes: Of these, bytes that a JPEG takes even if it is decoded at reduced size.
        scans: Upper limit of the passes over all pixels that decoding takes.
        orientation: EXIF orientation, 1 to 8.
        is_animated: Whether the file has more than one frame.
        data: The file without its metadata.
    """

    format: Format
    width: int
    height: int
    pixel_bytes: float
    coefficient_bytes: float = 0.0
    scans: int = 1
    orientation: int = UPRIGHT
    is_animated: bool = False
    data: bytes = b""


def read_header(data: bytes) -> Header | None:
    """Read the header of a picture.

    Args:
        data: The whole file.

    Returns:
        The header; None if the file is not a JPEG, PNG or WebP, is too short, or has too many parts.
    """
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:8] == _PNG:
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> Header | None:
    kept, at, orientation = [data[:2]], 2, UPRIGHT
    frame: tuple[int, int, float, bool] | None = None
    for _ in range(MAX_PARTS):
        if len(data) < at + 4 or data[at] != 0xFF:
            return None
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker < 0xC0 or marker in (0xD8, 0xD9) or length < 2:
            return None
        elif marker == _START_OF_SCAN:
            if frame is None or data.count(_FILL, at) > MAX_PARTS:
                return None
            width, height, coefficients, is_progressive = frame
            return Header(
                "JPEG",
                width,
                height,
                pixel_bytes=_COLOURED_BYTES,
                coefficient_bytes=coefficients if is_progressive else 0,
                scans=data.count(_SCAN, at),
                orientation=orientation,
                data=b"".join((*kept, data[at:])),
            )
        else:
            part = data[at : at + 2 + length]
            if marker in _FRAMES:
                frame = _frame(marker, part)
                if frame is None:
                    return None
            if marker == _APP1 and part[4:10] == _EXIF and orientation == UPRIGHT:
                orientation = exif_orientation(part[10:])
            if marker not in _METADATA:
                kept.append(part)
            at += 2 + length
    return None


def _frame(marker: int, part: bytes) -> tuple[int, int, float, bool] | None:
    """Read the start of a frame: width, height, bytes of coefficients for each pixel, and whether it is progressive."""
    if len(part) < 10 or len(part) < 10 + 3 * part[9]:
        return None
    height, width = struct.unpack_from(">HH", part, 5)
    factors = [(part[at] >> 4, part[at] & 15) for at in range(11, 10 + 3 * part[9], 3)]
    areas = [horizontal * vertical for horizontal, vertical in factors]
    if not (width and height and areas and all(areas)):
        return None
    whole = max(horizontal for horizontal, _ in factors) * max(vertical for _, vertical in factors)
    return width, height, 2 * sum(areas) / whole, marker in _PROGRESSIVE


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height, depth, colours = struct.unpack_from(">IIBB", data, 16)
    kept, at, orientation = [data[:8]], 8, UPRIGHT
    is_transparent = is_animated = False
    for _ in range(MAX_PARTS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        part = data[at : at + 12 + length]
        if kind in _PIXEL_CHUNKS or len(part) < 12 + length:  # a part that is cut off is an error in the pixels
            kept.append(part)
        if kind == b"tRNS":
            is_transparent = True
        elif kind == b"acTL":
            is_animated = int.from_bytes(part[8:12]) > 1
        elif kind == b"eXIf":
            orientation = exif_orientation(part[8:-4])
        at += 12 + length
        if kind == b"IEND" or at >= len(data):
            break
    else:
        return None
    pixel_bytes = _PNG_SIXTEEN_BIT_GREY if (depth, colours) == (16, 0) else _PNG_BYTES.get(colours, 8)
    return Header(
        "PNG",
        width,
        height,
        pixel_bytes=pixel_bytes + (_PNG_TRANSPARENT if is_transparent else 0),
        orientation=orientation,
        is_animated=is_animated,
        data=b"".join(kept),
    )


def _webp(data: bytes) -> Header | None:
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        width, height = 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    elif kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width = int.from_bytes(body[6:8], "little") & 0x3FFF
        height = int.from_bytes(body[8:10], "little") & 0x3FFF
    else:
        return None
    return Header("WEBP", width, height, _WEBP_BYTES, orientation=_webp_orientation(data), data=data)


def _webp_orientation(data: bytes) -> int:
    at = 12
    for _ in range(MAX_PARTS):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            return exif_orientation(data[at + 8 : at + 8 + length].removeprefix(_EXIF))
        at += 8 + length + length % 2
        if at >= len(data):
            break
    return UPRIGHT
