"""Methods: what can be called at the gRPC door, and a call on its way."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from app.access.keys import PREDICT, Principal


@dataclass(slots=True)
class Call:
    """A call on its way."""

    presented: bytes | None
    """The key as sent; None: none; empty: several."""
    remaining: Callable[[], float | None]
    """Seconds until the caller's deadline; None: there is none."""
    principal: Principal | None = None
    """Who calls; None: nobody who is known."""


@dataclass(frozen=True, slots=True)
class Method:
    """One thing that can be called."""

    route: str
    """``/package.Service/Method``."""
    request: type[Message]
    answer: Callable[[Any, Call], Awaitable[Message]] | None = None
    """Answers a request with one message."""
    stream: Callable[[Any, Call], AsyncIterator[Message]] | None = None
    """Answers a request with several; one of the two is there."""
    scope: str | None = PREDICT
    """What a key must be for; None: no key is needed."""
    models: Callable[[Any], Sequence[str]] | None = field(default=None)
    """The models that may answer a request, which needs no key where they are public."""
