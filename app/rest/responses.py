"""Whole responses as ASGI messages, and access to request headers."""

import re
from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]
"""A header's name, in lower case, and its value."""

JSON = b"application/json"
LARGE_ANSWER = 65_536
"""Bytes of a body above which the server would hold most of it until the client reads it."""
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_QUERY = re.compile(rb"[A-Za-z0-9._~=&%+-]{0,200}")
"""The last part of a path, and a query, that may be sent back to the client."""


async def respond(
    send: Send, status: int, body: bytes, media_type: bytes = JSON, headers: Iterable[Header] = ()
) -> None:
    """Send a whole response; return once the client has read a large one, but for a rest, or is gone.

    Args:
        send: The ASGI callable.
        status: HTTP status.
        body: The whole body.
        media_type: Media type of the body.
        headers: Additional headers.
    """
    await send(response_start(status, body, media_type, headers))
    if len(body) > LARGE_ANSWER:  # the server takes the next message once the client has read most of this one
        await send({"type": "http.response.body", "body": body, "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": body})


def response_start(status: int, body: bytes, media_type: bytes = JSON, headers: Iterable[Header] = ()) -> Message:
    """Return the ASGI message that starts a response with this body; for the arguments, see `respond`."""
    length = str(len(body)).encode("ascii")
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", media_type), (b"content-length", length), *headers],
    }


def request_header(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of a request header, the first if it is repeated, or None.

    Args:
        scope: The ASGI scope.
        name: Name of the header in lower case.
    """
    for key, value in scope["headers"]:
        if key == name:
            header: bytes = value
            return header
    return None


def without_body(send: Send) -> Send:
    """Return a callable that sends the head of a response alone, as the method HEAD demands.

    Args:
        send: The ASGI callable.
    """

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


def path_without_slash(scope: Scope) -> bytes | None:
    """Return the path of a request without the slash at its end, relative to the path as sent, with its query.

    A relative path is also right behind a proxy that takes a prefix away, or ends TLS.

    Args:
        scope: The ASGI scope of a request whose path ends in a slash.

    Returns:
        The path; None if it holds characters that no path of this program needs.
    """
    segment: str = scope["path"][:-1].rpartition("/")[2]
    query: bytes = scope.get("query_string", b"")
    if not (_SEGMENT.fullmatch(segment) and _QUERY.fullmatch(query)):
        return None
    return b"../" + segment.encode("ascii") + (b"?" + query if query else b"")


class AsgiResponse(Response):
    """The response that another ASGI application sends to the request of a route."""

    def __init__(self, application: ASGIApp) -> None:
        """Create the response.

        Args:
            application: Reads the request and sends the response.
        """
        super().__init__()
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application."""
        await self._application(scope, receive, send)
