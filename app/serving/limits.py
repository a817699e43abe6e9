"""Bounds: what a connection may take."""

from dataclasses import dataclass

from app.settings import Settings

BACKLOG = 2048
"""Connections that the kernel completes before the program takes them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a connection may take."""

    head_seconds: float = 10.0
    """Until the request line and the headers are complete; also until the first byte of a new connection."""
    body_seconds: float = 15.0
    """From there until the body is complete; also how long an answer may wait for a client that does not read."""
    idle_seconds: float = 5.0
    """Between two requests; also how long a closed connection may take to take its last answer."""
    head_bytes: int = 65_536
    """Request line and headers together."""
    target_bytes: int = 8_192
    """The request's target alone."""
    headers: int = 200
    """How many headers; counted where the head is large at all."""
    pipelined: int = 50
    """Requests that wait behind one another in one connection."""
    dropped_bytes: int = 12_000_000
    """Maximum size of a body that is read and dropped after its request has been answered.

    A rejected body within its route's limit must arrive completely: a reset connection would hide the response.
    """

    @classmethod
    def of(cls, settings: Settings) -> "Bounds":
        """The bounds that are set."""
        dropped = max(settings.body_limit, settings.batch_body_limit, settings.file_body_limit)
        return cls(settings.header_timeout, settings.body_timeout, settings.keep_alive_timeout, dropped_bytes=dropped)
