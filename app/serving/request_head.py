"""Request heads: their size, their target, and their form without a request for an upgrade."""

import re
from dataclasses import replace
from functools import lru_cache
from urllib.parse import unquote

import httptools

from app.problem_types import HEADERS_TOO_LARGE, MALFORMED_REQUEST, URI_TOO_LONG
from app.rest.problems import RequestRejected
from app.rest.responses import Header
from app.serving.limits import ConnectionLimits

SMALL_HEAD = 8_192
"""Bytes up to which a head is not measured: it cannot exceed a limit in bytes."""
SEVERAL_HOSTS = b"/"
"""Stands for the values of a repeated Host header; no value is valid that has a slash."""
_LONGEST_HOST = 300
"""Bytes of a Host header: names have 253 characters at most."""
_CACHED_TARGET = 64
"""Bytes up to which a split target is cached."""

_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_ADDRESS = rb"\[[A-Za-z0-9:.%_~-]+\]"
_HOST = re.compile(rb"(?:%b|%b)(?::[0-9]*)?[ \t]*" % (_NAME, _ADDRESS))
INVALID_HOST = replace(
    MALFORMED_REQUEST, detail="An HTTP/1.1 request has one header Host, with a host name and perhaps a port."
)
_UPGRADE_HEADERS = (b"connection", b"upgrade", b"http2-settings")


def check_head(target: bytes, headers: list[Header], limits: ConnectionLimits) -> int:
    """Check the size of a head.

    Args:
        target: The request target.
        headers: The headers.
        limits: What a connection may take.

    Returns:
        Its size in bytes.

    Raises:
        RequestRejected: The head exceeds a limit.
    """
    if len(target) > limits.target_bytes:
        raise RequestRejected(URI_TOO_LONG)
    size = len(target) + sum(len(name) + len(value) + 4 for name, value in headers)
    if size > limits.head_bytes or len(headers) > limits.headers:
        raise RequestRejected(HEADERS_TOO_LARGE)
    return size


def check_host(host: bytes | None, version: str) -> None:
    """Check the Host header: RFC 9112, 3.2 demands one, and that it names a host and perhaps a port.

    Args:
        host: Its value, `SEVERAL_HOSTS`, or None if it is missing.
        version: The version of HTTP.

    Raises:
        RequestRejected: The header is missing, repeated or invalid. HTTP/1.0 does without it.
    """
    valid = version == "1.0" if host is None else len(host) <= _LONGEST_HOST and _HOST.fullmatch(host)
    if not valid:
        raise RequestRejected(INVALID_HOST)


def split_target(target: bytes) -> tuple[str, bytes, bytes]:
    """Split a request target; short ones are cached.

    Args:
        target: The target as sent, of bytes that the parser accepts.

    Returns:
        The path, the path as sent, and the query.

    Raises:
        httptools.HttpParserInvalidURLError: The target is malformed.
    """
    return _split_cached(target) if len(target) <= _CACHED_TARGET else _split(target)


def _split(target: bytes) -> tuple[str, bytes, bytes]:
    parsed = httptools.parse_url(target)
    raw: bytes = parsed.path
    path = raw.decode("ascii")
    return unquote(path) if "%" in path else path, raw, parsed.query or b""


_split_cached = lru_cache(256)(_split)


def head_without_upgrade(method: bytes, target: bytes, version: str, headers: list[Header]) -> bytes:
    """Encode a request head without the headers that ask for another protocol.

    Args:
        method: The method.
        target: The target.
        version: The version of HTTP.
        headers: The headers as parsed.

    Returns:
        The bytes of the head.

    Raises:
        RequestRejected: The method is CONNECT, which only asks for another protocol.
    """
    if method == b"CONNECT":
        raise RequestRejected(MALFORMED_REQUEST)
    kept = [(name, value) for name, value in headers if name not in _UPGRADE_HEADERS]
    if any(name == b"connection" and b"close" in value.lower() for name, value in headers):
        kept.append((b"connection", b"close"))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in kept)
    return method + b" " + target + b" HTTP/" + version.encode() + b"\r\n" + lines + b"\r\n"
