"""Forms: extracts the one file from a complete ``multipart/form-data`` body (RFC 7578).

This module is imported only if an operation accepts uploads: it needs the package python-multipart.
"""

import logging

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from app.errors import InputError, Problem
from app.problem_types import MALFORMED_REQUEST
from app.rest.problems import RequestRejected

MAX_PARTS = 32
MAX_HEADERS = 8
MAX_HEAD_SIZE = 8192
"""Maximum bytes of the headers of a part."""

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # its warnings quote the client's input


class _Form:
    """Collects the contents of one part of a form, as the parser finds them."""

    def __init__(self, boundary: bytes, name: bytes) -> None:
        """Create the form's parser.

        Args:
            boundary: What separates the parts.
            name: Name of the part whose contents are wanted.
        """
        self._name = name
        self._head_size = 0
        self._header = bytearray()
        self._value = bytearray()
        self._is_wanted = False
        self.contents = bytearray()
        """Contents of the wanted part."""
        self.part_count = 0
        """Number of parts, with the preamble."""
        self.match_count = 0
        """How many parts have the wanted name."""
        self.is_complete = False
        """Whether the end of the form was found."""
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_begin": self._begin_header,
                "on_header_field": self._add_header_name,
                "on_header_value": self._add_header_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_contents,
                "on_end": self._end,
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEAD_SIZE,
        )

    def _begin_part(self) -> None:
        self.part_count += 1
        self._head_size = 0
        self._is_wanted = False
        if self.part_count > MAX_PARTS + 1:
            raise FormParserError("too many parts")

    def _begin_header(self) -> None:
        self._header.clear()
        self._value.clear()

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._limit_head(end - start)

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._limit_head(end - start)

    def _limit_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD_SIZE:
            raise FormParserError("too large a head")

    def _end_header(self) -> None:
        if self._header.lower() != b"content-disposition":
            return
        disposition, options = parse_options_header(bytes(self._value))
        if disposition == b"form-data" and options.get(b"name") == self._name:
            self._is_wanted = True
            self.match_count += 1

    def _add_contents(self, data: bytes, start: int, end: int) -> None:
        if self._is_wanted:
            self.contents += memoryview(data)[start:end]

    def _end(self) -> None:
        self.is_complete = True


def form_part(body: bytes, content_type: bytes, name: str) -> bytes:
    """Return the contents of one part of a form.

    Args:
        body: The complete body.
        content_type: The header Content-Type, with the boundary.
        name: Name of the part.

    Raises:
        RequestRejected: If the body is not such a form.
        InputError: If the form has no part of that name, or several.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    # the parser takes 2 us for each delimiter, also for those that turn out to be data
    if not boundary or body.count(b"\r\n--" + boundary) > 2 * MAX_PARTS:
        raise RequestRejected(MALFORMED_REQUEST, unread=False)
    try:
        form = _Form(boundary, name.encode())
        form.parser.write(b"--%b\r\n\r\n\r\n" % boundary)  # the preamble is parsed as a part without headers
        form.parser.write(body)
    except FormParserError:
        raise RequestRejected(MALFORMED_REQUEST, unread=False) from None
    if not form.is_complete or form.part_count == 1:
        raise RequestRejected(MALFORMED_REQUEST, unread=False)
    if form.match_count != 1:
        code, reason = ("repeated", "is sent several times") if form.match_count else ("missing", "is required")
        raise InputError([Problem(name, code, reason)])
    return bytes(form.contents)
