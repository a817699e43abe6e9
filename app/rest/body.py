"""Request bodies: checks and reads them up to a limit, and drops the rest of a rejected body."""

import asyncio

from starlette.types import Receive, Scope, Send

from app.problem_types import MALFORMED_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemType
from app.rest.problems import ProblemFormatter, RequestRejected, format_problem, problem_start
from app.rest.responses import Header, request_header

MEGABYTE = 1_000_000
MAX_DROPPED_BYTES = 2 * MEGABYTE
"""Maximum bytes of a rejected body that are read and dropped."""
MAX_DROP_SECONDS = 2.0
"""Maximum seconds for which a rejected body is read and dropped."""
CLOSES = "closes"
"""Key in a request's state, set if the server closes the connection after the response."""

_CLOSE: Header = (b"connection", b"close")


class ClientGone(Exception):
    """The client closed the connection before the request was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body.

    Args:
        scope: The ASGI scope.
        receive: The ASGI callable.
        limit: Maximum bytes.

    Returns:
        The body.

    Raises:
        RequestRejected: If the body exceeds the limit, by its Content-Length or as it arrives.
        ClientGone: If the client closed the connection.
    """
    check_length(scope, limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise RequestRejected(TOO_LARGE, unread=False)
        return body
    chunks = bytearray()
    while message["type"] == "http.request":
        chunks += message.get("body", b"")
        has_more: bool = message.get("more_body", False)
        if len(chunks) > limit:
            raise RequestRejected(TOO_LARGE, unread=has_more)
        if not has_more:
            return bytes(chunks)
        message = await receive()
    raise ClientGone


def check_length(scope: Scope, limit: int) -> bool:
    """Reject a body by its Content-Length, before any of it is read.

    Args:
        scope: The ASGI scope.
        limit: Maximum bytes.

    Returns:
        Whether the request has a Content-Length.

    Raises:
        RequestRejected: If the body exceeds the limit.
    """
    content_length = request_header(scope, b"content-length")
    if content_length is not None and _parse_length(content_length) > limit:
        raise RequestRejected(TOO_LARGE)
    return content_length is not None


def _parse_length(content_length: bytes) -> int:
    if not content_length.isdigit() or len(content_length) > 18:
        raise RequestRejected(MALFORMED_REQUEST)
    return int(content_length)


def check_json(scope: Scope, problem_type: ProblemType = UNSUPPORTED_MEDIA_TYPE) -> None:
    """Reject a body that is not JSON by its Content-Type. Without a Content-Type, a body counts as JSON.

    Args:
        scope: The ASGI scope.
        problem_type: The problem type of the rejection.

    Raises:
        RequestRejected: If the Content-Type is not JSON, or the body is compressed.
    """
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value.partition(b";")[0].strip().lower()
            is_json = media_type == b"application/json" or (
                media_type[:12] == b"application/" and media_type[-5:] == b"+json"
            )
            if media_type and not is_json:
                raise RequestRejected(problem_type)
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise RequestRejected(problem_type)


def check_uncompressed(scope: Scope) -> None:
    """Reject a compressed body.

    Raises:
        RequestRejected: If the body is compressed.
    """
    if (request_header(scope, b"content-encoding") or b"").strip().lower() not in (b"", b"identity"):
        raise RequestRejected(UNSUPPORTED_MEDIA_TYPE)


def may_have_body(scope: Scope) -> bool:
    """Return whether the client may send a body although the request is rejected.

    A client that sent ``Expect: 100-continue`` waits for the response first.
    """
    headers = {name: value for name, value in scope["headers"]}
    if b"expect" in headers:
        return False
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def closes(scope: Scope) -> bool:
    """Return whether the server closes the connection after the response.

    If it does, the rest of the body must be dropped first; see `drop_body`.
    """
    if CLOSES in scope["state"]:
        return True
    return scope["http_version"] == "1.0" or b"close" in (request_header(scope, b"connection") or b"").lower()


async def drop_body(receive: Receive) -> None:
    """Read and drop the rest of a body, for at most 2 MB and 2 s.

    If a connection is closed while data is unread, TCP resets it, and the client may never see the response.
    """
    dropped_bytes = 0
    try:
        async with asyncio.timeout(MAX_DROP_SECONDS):
            while dropped_bytes < MAX_DROPPED_BYTES:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                dropped_bytes += len(message.get("body", b""))
    except TimeoutError:
        return


async def reject(
    scope: Scope,
    receive: Receive,
    send: Send,
    problem_type: ProblemType,
    *headers: Header,
    unread: bool = True,
    formatter: ProblemFormatter = format_problem,
) -> None:
    """Send a problem at once, although the body may not have been read, and close the connection.

    Args:
        scope: The ASGI scope.
        receive: The ASGI callable.
        send: The ASGI callable.
        problem_type: The type of the problem.
        headers: Additional headers.
        unread: Whether more of the body may arrive.
        formatter: Formats the problem.
    """
    body, media_type = formatter(problem_type, ())
    await send(problem_start(problem_type, body, (*headers, _CLOSE), media_type))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if unread and may_have_body(scope):
        await drop_body(receive)
    await send({"type": "http.response.body", "body": b""})
