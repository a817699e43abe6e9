"""Picture headers: format and size from the first bytes, before anything is decoded or memory is allocated."""

from typing import Literal, NamedTuple

Format = Literal["JPEG", "PNG", "WEBP"]

_PNG = b"\x89PNG\r\n\x1a\n"
_NO_LENGTH = {0x01, *range(0xD0, 0xD8)}
"""JPEG markers without a length field."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""JPEG markers that start a frame and contain its size."""
_SCAN = b"\xff\xda"


class Header(NamedTuple):
    """Header of a picture.

    Attributes:
        format: File format.
        width: Width in pixels.
        height: Height in pixels.
        scans: Upper limit of the passes over all pixels that decoding takes.
    """

    format: Format
    width: int
    height: int
    scans: int = 1


def read_header(data: bytes) -> Header | None:
    """Read the header of a picture.

    Args:
        data: The whole file.

    Returns:
        The header; None if the file is not a JPEG, PNG or WebP, or is too short.
    """
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:8] == _PNG:
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return Header("PNG", int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))


def _webp(data: bytes) -> Header | None:
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return Header("WEBP", 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return Header("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
        return Header("WEBP", width & 0x3FFF, height & 0x3FFF)
    return None


def _jpeg(data: bytes) -> Header | None:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker in _NO_LENGTH:
            at += 2
        elif marker in _FRAMES:
            height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
            return Header("JPEG", width, height, data.count(_SCAN, at)) if width and height else None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
