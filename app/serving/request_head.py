"""Heads: request line and headers, measured, and freed of the wish to change the protocol."""

from functools import lru_cache
from urllib.parse import unquote

import httptools

from app.problem_types import HEADERS_TOO_LARGE, MALFORMED_REQUEST, URI_TOO_LONG
from app.rest.problems import RequestRejected
from app.rest.responses import Header
from app.serving.limits import Bounds

SMALL_HEAD = 8_192
"""Bytes up to which a head need not be measured: it can break no bound."""
_SHORT_TARGET = 64
"""Bytes up to which a target is remembered."""

_CHANGE = (b"connection", b"upgrade", b"http2-settings")


def check_head(target: bytes, headers: list[Header], bounds: Bounds) -> int:
    """Measure a head.

    Args:
        target: The request's target.
        headers: Its headers.
        bounds: What it may take.

    Returns:
        Its bytes.

    Raises:
        RequestRejected: It takes more.
    """
    if len(target) > bounds.target_bytes:
        raise RequestRejected(URI_TOO_LONG)
    size = len(target) + sum(len(name) + len(value) + 4 for name, value in headers)
    if size > bounds.head_bytes or len(headers) > bounds.headers:
        raise RequestRejected(HEADERS_TOO_LARGE)
    return size


def split_target(target: bytes) -> tuple[str, bytes, bytes]:
    """A target's path, its path as sent, and its query; those that come again and again are split once.

    Args:
        target: As sent; its bytes are those that the parser lets through.

    Raises:
        httptools.HttpParserInvalidURLError: It is no target.
    """
    return _known(target) if len(target) <= _SHORT_TARGET else _split(target)


def _split(target: bytes) -> tuple[str, bytes, bytes]:
    parsed = httptools.parse_url(target)
    raw: bytes = parsed.path
    path = raw.decode("ascii")
    return unquote(path) if "%" in path else path, raw, parsed.query or b""


_known = lru_cache(256)(_split)


def plain_head(method: bytes, target: bytes, headers: list[Header]) -> bytes:
    """The head of a request without the wish to change the protocol.

    Args:
        method: Its method.
        target: Its target.
        headers: Its headers, as the parser passed them.

    Returns:
        The head's bytes.

    Raises:
        RequestRejected: It is CONNECT, which wishes for nothing else.
    """
    if method == b"CONNECT":
        raise RequestRejected(MALFORMED_REQUEST)
    kept = [(name, value) for name, value in headers if name not in _CHANGE]
    if any(name == b"connection" and b"close" in value.lower() for name, value in headers):
        kept.append((b"connection", b"close"))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
    return method + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n"
