"""Request bodies: checks and reads them up to a limit, and drops the rest of a rejected body."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.types import Message, Receive, Scope, Send

from app.errors import Overloaded, TooLarge
from app.problem_types import MALFORMED_REQUEST, OVERLOADED, TOO_COMPLEX, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemType
from app.rest.problems import ProblemFormatter, RequestRejected, format_problem, problem_start
from app.rest.responses import Header, request_header
from app.runtime.json_cost import JsonCost
from app.runtime.memory import release_memory
from app.runtime.memory_budget import MemoryBudget, Reservation

MEGABYTE = 1_000_000
MAX_DROPPED_BYTES = 2 * MEGABYTE
"""Maximum bytes of a rejected body that are read and dropped."""
MAX_DROP_SECONDS = 2.0
"""Maximum seconds for which a rejected body is read and dropped."""
CLOSES = "closes"
"""Key in a request's state, set if the server closes the connection after the response."""

SMALL_BODY = 4096
"""Bytes of a complete body up to which it takes no part of the memory budget."""
_LARGE_RESERVATION = 16 * MEGABYTE
Cost = Callable[[bytes], int]
"""Estimates the bytes of memory that a piece of a body takes until the request is answered."""

json_cost = JsonCost(byte=4, comma=160, bracket=800, brace=1_000, colon=500, quote=64)
"""Cost of JSON that is validated: parsed values, and copies of them in validation errors.

The weights cover the peaks that pydantic-core 2 takes for the most expensive values of each kind, each of them an error
in a beer's hop bill: 169 bytes for a number, 286 for a string, 608 for an empty list, 958 for a list of one, 1,794 for
an object of one.
"""

COMPRESSED = replace(
    UNSUPPORTED_MEDIA_TYPE, detail="This route reads no compressed body. Send it without the header Content-Encoding."
)
_CLOSE: Header = (b"connection", b"close")


class ClientGone(Exception):
    """The client closed the connection before the request was complete."""


def bytes_cost(piece: bytes) -> int:
    """Return the cost of bytes that are not parsed: as received, joined, and extracted from a form."""
    return 3 * len(piece)


def release(reservation: Reservation) -> None:
    """Give a reservation back, and the memory of a large one to the operating system.

    The C library keeps what lies between blocks in use: after 100 MB of values, up to half.
    """
    is_large = reservation.amount > _LARGE_RESERVATION
    reservation.release()
    if is_large:
        asyncio.get_running_loop().run_in_executor(None, release_memory)


async def read_body(
    scope: Scope, receive: Receive, limit: int, budget: MemoryBudget, cost: Cost = bytes_cost
) -> tuple[bytes, Reservation | None]:
    """Read the whole body. A large one, or one in pieces, takes a part of the memory budget as it arrives.

    Args:
        scope: The ASGI scope.
        receive: The ASGI callable.
        limit: Maximum bytes.
        budget: The memory budget.
        cost: Estimates the memory that a piece of the body takes, until it is answered.

    Returns:
        The body, and the reservation that the caller must release; None if the body is small.

    Raises:
        RequestRejected: If the body exceeds the limit, by its Content-Length or as it arrives, or the memory budget.
        Overloaded: If other requests hold the memory budget.
        ClientGone: If the client closed the connection.
    """
    check_length(scope, limit)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) <= SMALL_BODY and len(body) <= limit:
            return body, None
    reservation = budget.reserve(has_key="principal" in scope["state"])
    try:
        return await _read_pieces(message, scope, receive, limit, reservation, cost), reservation
    except BaseException:
        reservation.release()
        raise


async def _read_pieces(
    message: Message, scope: Scope, receive: Receive, limit: int, reservation: Reservation, cost: Cost
) -> bytes:
    pieces = bytearray()
    while message["type"] == "http.request":
        piece = message.get("body", b"")
        has_more: bool = message.get("more_body", False)
        if len(pieces) + len(piece) > limit:
            raise RequestRejected(TOO_LARGE, unread=has_more)
        try:
            reservation.grow(cost(piece))
        except TooLarge:
            raise RequestRejected(TOO_COMPLEX, unread=has_more) from None
        except Overloaded:
            # the server drops a body that is not read, unless it closes the connection
            if has_more and closes(scope):
                raise RequestRejected(OVERLOADED) from None
            raise
        pieces += piece
        if not has_more:
            return bytes(pieces)
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
            raise _compressed()


def check_uncompressed(scope: Scope) -> None:
    """Reject a compressed body.

    Raises:
        RequestRejected: If the body is compressed.
    """
    if (request_header(scope, b"content-encoding") or b"").strip().lower() not in (b"", b"identity"):
        raise _compressed()


def _compressed() -> RequestRejected:
    """The rejection of a compressed body; Accept-Encoding says what is accepted (RFC 7694, 3)."""
    return RequestRejected(COMPRESSED, headers=[(b"accept-encoding", b"identity")])


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
