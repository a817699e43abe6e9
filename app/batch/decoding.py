"""The text of a file: decompressed, and as UTF-8 without a byte order mark."""

import codecs
import zlib

from app.batch.row import Check, Limits, bad_file
from app.errors import InputError

_GZIP = b"\x1f\x8b"
_WITH_GZIP_HEADER = 31
_PIECE = 65_536
"""Bytes that are inflated or decoded at once."""
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_BEGIN = 64
"""Bytes that show an encoding without a byte order mark."""


def text_of(data: bytes, limits: Limits, check: Check) -> bytes:
    """Return a file's text in UTF-8, without a byte order mark. What has no mark is returned unchecked.

    Args:
        data: The file, which may be compressed with gzip, in UTF-8, or in UTF-16 with a byte order mark.
        limits: Limits on the file.
        check: Called again and again.

    Raises:
        InputError: If the file is too large, truncated, or of an encoding that is not supported.
    """
    text = _decompressed(data, limits, check)
    if text.startswith(_UTF_32):
        raise bad_file("not_utf8", "is UTF-32; save it as UTF-8")
    encoding = _UTF_16.get(text[:2])
    if encoding is not None:
        return _transcoded(text, encoding, limits, check)
    even, odd = text[:_BEGIN:2], text[1:_BEGIN:2]
    if odd and (not any(odd) or not any(even)) and any(text[:_BEGIN]):
        raise bad_file("not_utf8", "is UTF-16 without a byte order mark; save it as UTF-8")
    return text.removeprefix(codecs.BOM_UTF8)


def check_utf8(text: bytes, check: Check) -> None:
    """Check that a text is UTF-8.

    Args:
        text: The text.
        check: Called again and again.

    Raises:
        InputError: If it is not; the reason names the line.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(text) + 1, _PIECE):  # one more than needed if the last piece is full
        try:
            decoder.decode(text[start : start + _PIECE], final=start + _PIECE > len(text))
        except UnicodeDecodeError:
            raise _not_utf8(text, start) from None
        check()


def _not_utf8(text: bytes, start: int) -> InputError:
    """The error of a text whose first invalid character is in the piece that begins at `start`, or ends there."""
    begin = max(start - 3, 0)  # of a character that may be divided
    while begin and text[begin] & 0xC0 == 0x80:
        begin -= 1
    try:
        text[begin : start + _PIECE].decode()
        position = len(text)
    except UnicodeDecodeError as error:
        position = begin + error.start
    line = text.count(b"\n", 0, position) + 1
    return bad_file("not_utf8", f"is not UTF-8 (at line {line}); in a spreadsheet, save it as 'CSV UTF-8'")


def _transcoded(text: bytes, encoding: str, limits: Limits, check: Check) -> bytes:
    decoder, whole = codecs.getincrementaldecoder(encoding)(), bytearray()
    try:
        for start in range(2, len(text) + 1, _PIECE):
            whole += decoder.decode(text[start : start + _PIECE], final=start + _PIECE > len(text)).encode()
            if len(whole) > limits.file_bytes:
                raise _too_large(limits)
            check()
    except UnicodeError:
        raise bad_file("not_utf16", "begins with a byte order mark of UTF-16, but is not UTF-16") from None
    return bytes(whole)


def _decompressed(data: bytes, limits: Limits, check: Check) -> bytes:
    if len(data) > limits.file_bytes:
        raise _too_large(limits)
    if not data.startswith(_GZIP):
        return data
    whole, position, members = bytearray(), 0, 0
    while position < len(data):  # a gzip file may have several members
        members += 1
        if members > limits.members:
            raise bad_file("too_many_members", f"has more than {limits.members} gzip members")
        position = _inflate_member(data, position, whole, limits, check)
    return bytes(whole)


def _inflate_member(data: bytes, position: int, whole: bytearray, limits: Limits, check: Check) -> int:
    """Append the contents of a gzip member, and return the position after it."""
    reader = zlib.decompressobj(_WITH_GZIP_HEADER)
    rest: bytes | memoryview = b""
    while not reader.eof:
        if not rest:
            rest = memoryview(data)[position : position + _PIECE]
            position += len(rest)
            if not rest:
                raise bad_file("gzip_invalid", "is a gzip file that is truncated")
        try:
            piece = reader.decompress(rest, _PIECE)
        except zlib.error:
            raise bad_file("gzip_invalid", "is not valid gzip, though it begins like it") from None
        rest = reader.unconsumed_tail
        whole += piece
        if len(whole) > limits.file_bytes:
            raise _too_large(limits)
        check()
    return position - len(reader.unused_data)


def _too_large(limits: Limits) -> InputError:
    return bad_file("too_large", f"is larger than {limits.file_bytes} bytes")
