"""The words of ASGI, and the one way an answer is sent."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = b"application/json"


async def respond(
    send: Send, status: int, body: bytes, media_type: bytes = JSON, headers: Iterable[Header] = ()
) -> None:
    """Send a whole answer.

    Args:
        send: ASGI's.
        status: HTTP status.
        body: The body, whole.
        media_type: Its type.
        headers: More headers.
    """
    await send(start(status, body, media_type, headers))
    await send({"type": "http.response.body", "body": body})


def start(status: int, body: bytes, media_type: bytes = JSON, headers: Iterable[Header] = ()) -> Message:
    """The message that opens an answer with this body; see `respond`."""
    length = str(len(body)).encode("ascii")
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", media_type), (b"content-length", length), *headers],
    }


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of a request header, or None; the first where it is sent several times.

    Args:
        scope: ASGI's.
        name: In lower case.
    """
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None
