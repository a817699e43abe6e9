"""Bodies: read up to a limit; what is refused unread is dropped in a bounded way, so that the client sees why."""

import asyncio

from starlette.types import Receive, Scope, Send

from app.problem_types import MALFORMED_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemType
from app.rest.problems import ProblemFormatter, RequestRejected, format_problem, problem_start
from app.rest.responses import Header, request_header

MEGABYTE = 1_000_000
MOST_DROPPED = 2 * MEGABYTE
"""Bytes of a refused body that are read and dropped, ..."""
LONGEST_DROPPING = 2.0
"""... and seconds that this may take."""
CLOSES = "closes"
"""Key in a request's state where the server says that it closes the connection behind the answer."""

_CLOSE: Header = (b"connection", b"close")


class ClientGone(Exception):
    """The client hung up before its request was whole."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body.

    Args:
        scope: ASGI's.
        receive: ASGI's.
        limit: Most bytes.

    Returns:
        The body.

    Raises:
        RequestRejected: It is larger, known from its Content-Length before a byte is read, or as it arrives.
        ClientGone: The client hung up.
    """
    check_length(scope, limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        if len(whole) > limit:
            raise RequestRejected(TOO_LARGE, unread=False)
        return whole
    body = bytearray()
    while message["type"] == "http.request":
        body += message.get("body", b"")
        more: bool = message.get("more_body", False)
        if len(body) > limit:
            raise RequestRejected(TOO_LARGE, unread=more)
        if not more:
            return bytes(body)
        message = await receive()
    raise ClientGone


def check_length(scope: Scope, limit: int) -> bool:
    """Refuse a body that says it is too large, before a byte of it is read.

    Args:
        scope: ASGI's.
        limit: Most bytes.

    Returns:
        Whether it says how large it is at all.

    Raises:
        RequestRejected: It says that it is larger.
    """
    declared = request_header(scope, b"content-length")
    if declared is not None and _length(declared) > limit:
        raise RequestRejected(TOO_LARGE)
    return declared is not None


def _length(declared: bytes) -> int:
    if not declared.isdigit() or len(declared) > 18:
        raise RequestRejected(MALFORMED_REQUEST)
    return int(declared)


def check_json(scope: Scope, otherwise: ProblemType = UNSUPPORTED_MEDIA_TYPE) -> None:
    """Refuse a body that says it is something other than JSON; one that says nothing is taken for JSON.

    Args:
        scope: ASGI's.
        otherwise: What is then wrong.

    Raises:
        RequestRejected: Its Content-Type is another, or it is compressed.
    """
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value.partition(b";")[0].strip().lower()
            is_json = media_type == b"application/json" or (
                media_type[:12] == b"application/" and media_type[-5:] == b"+json"
            )
            if media_type and not is_json:
                raise RequestRejected(otherwise)
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise RequestRejected(otherwise)


def check_uncompressed(scope: Scope) -> None:
    """Refuse a body that is compressed.

    Raises:
        RequestRejected: It is.
    """
    if (request_header(scope, b"content-encoding") or b"").strip().lower() not in (b"", b"identity"):
        raise RequestRejected(UNSUPPORTED_MEDIA_TYPE)


def may_have_body(scope: Scope) -> bool:
    """Whether more of the request may come after its headers, unasked.

    A client that sent ``Expect: 100-continue`` waits to be asked, and a refusal is its answer.
    """
    names = {name: value for name, value in scope["headers"]}
    if b"expect" in names:
        return False
    return b"transfer-encoding" in names or names.get(b"content-length", b"0") != b"0"


def closes(scope: Scope) -> bool:
    """Whether the server closes the connection behind the answer: it says so, or the request asks for it.

    It does so at once, and on a body that it has not read that is a reset: see `drop_body`.
    """
    if CLOSES in scope["state"]:
        return True
    return scope["http_version"] == "1.0" or b"close" in (request_header(scope, b"connection") or b"").lower()


async def drop_body(receive: Receive) -> None:
    """Read and drop what still comes, at most 2 MB and 2 s of it.

    A connection that is closed on unread data is reset, and the client may never see the answer.
    """
    dropped = 0
    try:
        async with asyncio.timeout(LONGEST_DROPPING):
            while dropped < MOST_DROPPED:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                dropped += len(message.get("body", b""))
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
