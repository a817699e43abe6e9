"""Forms: the one file in a ``multipart/form-data`` body (RFC 7578), which is whole and bounded when it comes here."""

import re

from app.errors import InputError, Problem
from app.problem_types import MALFORMED_REQUEST
from app.rest.problems import RequestRejected

MULTIPART = b"multipart/form-data"
MOST_PARTS = 32
_LONGEST_HEAD = 8192
_PARAMETER = re.compile(rb';[ \t]*([\w-]+)=("[^"]*"|[^\s;"]*)')
_DISPOSITION = re.compile(rb"\r\ncontent-disposition:[ \t]*form-data([^\r\n]*)", re.IGNORECASE)


def part(body: bytes, content_type: bytes, field: str) -> bytes:
    """The contents of one part of a form.

    Args:
        body: The whole body.
        content_type: The header, with the boundary.
        field: The part's name.

    Returns:
        Its contents.

    Raises:
        RequestRejected: It is no such form.
        InputError: It has no such part, or several.
    """
    boundary = _parameter(content_type, b"boundary")
    if not boundary:
        raise RequestRejected(MALFORMED_REQUEST, unread=False)
    delimiter = b"\r\n--" + boundary
    form, end, _ = (b"\r\n" + body).partition(delimiter + b"--")
    _, *parts = form.split(delimiter, MOST_PARTS + 1)
    if not end or not 1 <= len(parts) <= MOST_PARTS:
        raise RequestRejected(MALFORMED_REQUEST, unread=False)
    named = [contents for head, contents in map(_parted, parts) if _name(head) == field.encode()]
    if len(named) != 1:
        code, reason = ("repeated", "is sent several times") if named else ("missing", "is required")
        raise InputError([Problem(field, code, reason)])
    return named[0]


def _parted(text: bytes) -> tuple[bytes, bytes]:
    """A part's head and contents; what follows the delimiter on its line is white space."""
    end = text.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
    start = text.find(b"\r\n", 0, end + 2)
    if end < 0 or text[:start].strip(b" \t"):
        raise RequestRejected(MALFORMED_REQUEST, unread=False)
    return text[start:end], text[end + 4 :]


def _name(head: bytes) -> bytes | None:
    disposition = _DISPOSITION.search(head)
    return _parameter(disposition[1], b"name") if disposition else None


def _parameter(header: bytes, name: bytes) -> bytes | None:
    """A header's parameter; a quoted value is passed over whole, whatever stands in it."""
    return next((value.strip(b'"') for key, value in _PARAMETER.findall(header) if key.lower() == name), None)
