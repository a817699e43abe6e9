"""Limits on what a connection may take, in bytes, seconds and numbers."""

from dataclasses import dataclass

from app.settings import Settings

BACKLOG = 2048
"""Connections that the kernel accepts and queues until the program takes them."""
READ_BUFFER_BYTES = 65_536
"""Received bytes per connection above which reading pauses until the application has consumed them."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may take."""

    head_seconds: float = 10.0
    """Time for a request line and headers to arrive; also for the first byte of a new connection."""
    body_seconds: float = 15.0
    """Time for a body to arrive after its head; also for a client to read 16 KB of pending output."""
    idle_seconds: float = 5.0
    """Time between two requests; also for a client to take 16 KB of the last response of a closing one."""
    head_bytes: int = 65_536
    """Maximum size of request line and headers together."""
    target_bytes: int = 8_192
    """Maximum size of the request target."""
    headers: int = 200
    """Maximum number of headers."""
    pipelined: int = 50
    """Maximum number of requests that wait for an earlier one of the same connection."""
    dropped_bytes: int = 12_000_000
    """Maximum size of a body that is read and dropped after its request has been answered.

    A rejected body within its route's limit must arrive completely: a reset connection would hide the response.
    """

    @classmethod
    def from_settings(cls, settings: Settings) -> "ConnectionLimits":
        """The limits that the settings name."""
        dropped = max(settings.body_limit, settings.batch_body_limit, settings.file_body_limit)
        return cls(settings.header_timeout, settings.body_timeout, settings.keep_alive_timeout, dropped_bytes=dropped)
