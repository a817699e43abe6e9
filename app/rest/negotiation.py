"""What a client prefers, by its headers Accept and Accept-Encoding (RFC 9110, 12.5)."""

from starlette.types import Scope

from app.rest.responses import request_header

_LONGEST = 1_000
"""Bytes of a header that are read; those of browsers have 100 to 200."""


def prefers_page(scope: Scope) -> bool:
    """Return whether a client rather reads HTML than JSON, as browsers do when they open an address.

    Args:
        scope: The ASGI scope.
    """
    if scope["method"] not in ("GET", "HEAD"):
        return False
    ranges = _qualities(scope, b"accept")
    return _quality(ranges, "text", "html") > max(
        _quality(ranges, "application", kind) for kind in ("json", "problem+json")
    )


def accepts_gzip(scope: Scope) -> bool:
    """Return whether a client says that it decompresses gzip.

    Args:
        scope: The ASGI scope.
    """
    codings = _qualities(scope, b"accept-encoding")
    return codings.get("gzip", codings.get("*", 0.0)) > 0


def _qualities(scope: Scope, header: bytes) -> dict[str, float]:
    """Return the quality of each element of a header; elements in error count as 0, a missing header has none."""
    value = (request_header(scope, header) or b"")[:_LONGEST].decode("latin-1").lower()
    qualities = {}
    for part in value.split(","):
        element, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((value for name, _, value in (p.partition("=") for p in parameters) if name == "q"), "1")
        try:
            qualities[element] = min(1.0, float(quality))
        except ValueError:
            qualities[element] = 0.0
    return qualities


def _quality(ranges: dict[str, float], main: str, sub: str) -> float:
    """Return the quality of a media type: that of the most specific range."""
    for media_range in f"{main}/{sub}", f"{main}/*", "*/*":
        if media_range in ranges:
            return ranges[media_range]
    return 0.0
