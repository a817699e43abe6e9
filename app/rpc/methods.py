"""Descriptions of the gRPC methods, and the state of a call."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from app.access.keys import PREDICT, Principal


@dataclass(slots=True)
class Call:
    """A call in progress."""

    presented: bytes | None
    """The key as received: None without a key, empty with several keys."""
    remaining: Callable[[], float | None]
    """Returns the seconds until the caller's deadline; None without a deadline."""
    peer: str = ""
    """The client's connection, as ``ipv4:127.0.0.1:1234``."""
    principal: Principal | None = None
    """The authenticated caller; None without a valid key."""
    request_id: str = ""
    """The request's id."""
    fields: Mapping[str, bytes] = field(default_factory=dict)
    """Metadata values by name; empty for a repeated name."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service; it has either a unary or a streaming implementation."""

    route: str
    """``/package.Service/Method``."""
    request: type[Message]
    answer: Callable[[Any, Call], Awaitable[Message]] | None = None
    """Answers a request with one message."""
    stream: Callable[[Any, Call], AsyncIterator[Message]] | None = None
    """Answers a request with a stream of messages."""
    scope: str | None = PREDICT
    """Scope that the key must have; None: the method needs no key."""
    models: Callable[[Any], Sequence[str]] | None = field(default=None)
    """Returns the models that a request addresses; if all of them are public, the call needs no key."""
