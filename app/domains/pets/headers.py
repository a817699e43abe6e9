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
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""JPEG markers that start a frame and contain its size."""
_PROGRESSIVE = {0xC2, 0xCA}
_UNDECODABLE = {0xC3, *range(0xC5, 0xC9), 0xCB, *range(0xCD, 0xD0), 0xD8, 0xD9}
"""JPEG markers that no picture has before its pixels: lossless and hierarchical frames, which Pillow cannot decode, and
those of the start and the end."""
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
_PNG_GREY_BYTES = {1: 5, 16: 11}
"""The same for grey of other than 8 bits, by bits."""
_PNG_TRANSPARENT = 8
"""Additional bytes for a pixel where a colour is transparent, and so the picture is converted to RGBA."""
_WEBP_BYTES = 16
"""Bytes that decoding takes for a pixel: libwebp's two canvases, their copy, and Pillow's picture."""
_LOSSLESS = (b"VP8L", b"ALPH")
"""Chunks of a WebP whose pixels, or transparency, are compressed without loss. Each block of 4 x 4 pixels may have a
group of code tables of its own, which libwebp holds all at once."""
_MAX_GROUPS = 1 << 16
_GROUP_BYTES = 20_600
"""Bytes that a group takes at most: 5,004 entries of 4 bytes, and its own lookup table."""
_GROUP_BYTES_PER_BYTE = 2_300
"""Bytes that groups take at most for each byte of the chunk: 20 bits fill five tables of 256 entries."""
_COLOURED_BYTES = 4
"""Bytes of a decoded JPEG pixel in Pillow's memory."""


class Header(NamedTuple):
    """Header of a picture.

    Attributes:
        format: File format.
        width: Width in pixels.
        height: Height in pixels.
        pixel_bytes: Bytes of memory that decoding takes for each pixel, at full size.
        coefficient_bytes: Additional bytes for each pixel of a JPEG that is decoded as a whole, at any size.
        table_bytes: Additional bytes of a WebP for tables of codes.
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
    table_bytes: int = 0
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
    frame: _Frame | None = None
    for _ in range(MAX_PARTS):
        if len(data) < at + 4 or data[at] != 0xFF:
            return None
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker < 0xC0 or marker in _UNDECODABLE or length < 2:
            return None
        elif marker == _START_OF_SCAN:
            if frame is None or len(data) < at + 5 or data.count(_FILL, at) > MAX_PARTS:
                return None
            is_whole = frame.is_progressive or data[at + 4] < frame.components  # not all components in the first scan
            return Header(
                "JPEG",
                frame.width,
                frame.height,
                pixel_bytes=_COLOURED_BYTES,
                coefficient_bytes=frame.coefficient_bytes if is_whole else 0,
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


class _Frame(NamedTuple):
    """Start of a JPEG's frame, with the bytes of the coefficients of each pixel."""

    width: int
    height: int
    components: int
    coefficient_bytes: float
    is_progressive: bool


def _frame(marker: int, part: bytes) -> _Frame | None:
    if len(part) < 10 or len(part) < 10 + 3 * part[9]:
        return None
    height, width = struct.unpack_from(">HH", part, 5)
    factors = [(part[at] >> 4, part[at] & 15) for at in range(11, 10 + 3 * part[9], 3)]
    areas = [horizontal * vertical for horizontal, vertical in factors]
    if not (width and height and areas and all(areas)):
        return None
    whole = max(horizontal for horizontal, _ in factors) * max(vertical for _, vertical in factors)
    return _Frame(width, height, len(areas), 2 * sum(areas) / whole, marker in _PROGRESSIVE)


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR" or len(data) < 33:
        return None
    width, height, depth, colours = struct.unpack_from(">IIBB", data, 16)
    kept, at, orientation = [data[:8]], 8, UPRIGHT
    is_transparent = is_animated = False
    for _ in range(MAX_PARTS):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        part = data[at : at + 12 + length]
        if kind == b"IHDR" and at > 8:  # Pillow would follow the last
            return None
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
    pixel_bytes = _PNG_BYTES.get(colours, 8)
    if colours == 0:
        pixel_bytes = _PNG_GREY_BYTES.get(depth, pixel_bytes)
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
    parts = _webp_parts(data)
    if parts is None:
        return None
    orientation, lossless = parts
    groups = min(_MAX_GROUPS, -(-width // 4) * -(-height // 4))
    return Header(
        "WEBP",
        width,
        height,
        pixel_bytes=_WEBP_BYTES,
        table_bytes=min(groups * _GROUP_BYTES, lossless * _GROUP_BYTES_PER_BYTE),
        orientation=orientation,
        data=data,
    )


def _webp_parts(data: bytes) -> tuple[int, int] | None:
    """Walk over the chunks of a WebP, also those within frames.

    Returns:
        EXIF orientation, and the bytes of the largest chunk that is compressed without loss; None for too many chunks.
    """
    at, orientation, lossless = 12, UPRIGHT, 0
    for _ in range(MAX_PARTS):
        if len(data) < at + 8:
            return orientation, lossless
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in _LOSSLESS:
            lossless = max(lossless, min(length, len(data) - at))
        elif kind == b"EXIF":
            orientation = exif_orientation(data[at + 8 : at + 8 + length].removeprefix(_EXIF))
        at += 24 if kind == b"ANMF" else 8 + length + length % 2
    return None
