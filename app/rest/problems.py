"""Problems: every error of the REST door as ``application/problem+json`` (RFC 9457), never with the input in it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from starlette.responses import Response

from app.domains.validation import tamed
from app.errors import (
    CallError,
    InputError,
    Limited,
    LimitsUnavailable,
    ModelNotFound,
    ModelNotReady,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    Problem,
    RateExceeded,
    TooLate,
    TooManyFailures,
)
from app.rest.asgi import Header, Message, Receive, Scope, Send, start

PROBLEM_JSON = b"application/problem+json"
PROBLEM = "problem"
"""Key of a problem's code in the message that opens the answer."""
REFUSED = "refused"
"""Key of a problem's kind in a request's state, where the server has answered in the application's place."""
MOST_PROBLEMS = 20
LONGEST_BODY = 8192
_LONGEST_FIELD = 120
_LONGEST_REASON = 200


Tell = Callable[["Kind", Sequence[Problem]], tuple[bytes, bytes]]
"""Makes a problem a body and its media type."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; ``code`` is stable, the words are not."""

    status: int
    code: str
    title: str
    detail: str
    headers: tuple[Header, ...] = ()
    """Headers that go with it, whatever the request."""


MALFORMED = Kind(400, "malformed_request", "Malformed request", "The request is not valid HTTP for this route.")
INVALID = Kind(422, "invalid_input", "Invalid input", "The body was read but is not what this route takes; see errors.")
NO_KEY = Kind(401, "not_authenticated", "Not authenticated", "Send a valid key in the header X-API-Key.")
NO_SCOPE = Kind(403, "not_allowed", "Not allowed", "This key is not for this route: it lacks the scope.")
RATE_EXCEEDED = Kind(429, "rate_exceeded", "Rate exceeded", "This key has had as many calls as its rate allows.")
TOO_MANY_FAILURES = Kind(
    429, "too_many_failures", "Too many failures", "Too many wrong keys came from this address; a right one is served."
)
NO_LIMITS = Kind(503, "limits_unavailable", "Limits unavailable", "The rate of this key cannot be checked now.")
NO_MODEL = Kind(404, "model_not_found", "Model not found", "No model of that name or version is served here.")
NOT_READY = Kind(503, "not_ready", "Not ready", "The model is not loaded and verified yet.")
OVERLOADED = Kind(
    503, "overloaded", "Overloaded", "More waits here than can be served soon.", ((b"retry-after", b"1"),)
)
TOO_LATE = Kind(504, "too_late", "Too late", "The model did not answer in the time that was given.")
NO_ROUTE = Kind(404, "not_found", "Not found", "There is nothing at this path.")
NO_METHOD = Kind(405, "method_not_allowed", "Method not allowed", "This path does not take that method; see Allow.")
TOO_LARGE = Kind(413, "too_large", "Content too large", "The body is larger than this route takes.")
NOT_JSON = Kind(415, "unsupported_media_type", "Unsupported media type", "Send JSON: Content-Type application/json.")
FAULT = Kind(500, "internal_error", "Internal error", "Something went wrong here; the log has it by the request id.")

KINDS: dict[type[CallError], Kind] = {
    InputError: INVALID,
    NotAuthenticated: NO_KEY,
    NotAllowed: NO_SCOPE,
    Limited: RATE_EXCEEDED,
    RateExceeded: RATE_EXCEEDED,
    TooManyFailures: TOO_MANY_FAILURES,
    LimitsUnavailable: NO_LIMITS,
    ModelNotFound: NO_MODEL,
    ModelNotReady: NOT_READY,
    Overloaded: OVERLOADED,
    TooLate: TOO_LATE,
}
"""This door's table from the error tree to its own codes."""


class RequestRefused(Exception):
    """The request is refused without being understood: too large, no JSON, too many before it, ..."""

    def __init__(self, kind: Kind, *, unread: bool = True) -> None:
        """Initialize the request refused.

        Args:
            kind: What is wrong.
            unread: Whether more of the body may still come.
        """
        super().__init__(kind.code)
        self.kind = kind
        self.unread = unread


def problem_body(kind: Kind, problems: Sequence[Problem] = ()) -> bytes:
    """A problem as JSON of at most 8 KB.

    Args:
        kind: What kind.
        problems: What is wrong, field by field; the first 20 are told.

    Returns:
        ``{"type", "title", "status", "detail", "code"}`` and, where there are any, ``"errors": [{"field", "code",
        "reason"}, ...]``.
    """
    return _encoded(kind, problems) if problems else _plain(kind)


@lru_cache(64)  # there are about 20 kinds
def _plain(kind: Kind) -> bytes:
    return _encoded(kind, ())


def _encoded(kind: Kind, problems: Sequence[Problem]) -> bytes:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
        "code": kind.code,
    }
    errors = [
        {"field": tamed(p.field, _LONGEST_FIELD), "code": p.code, "reason": tamed(p.reason, _LONGEST_REASON)}
        for p in problems[:MOST_PROBLEMS]
    ]
    encoded = _encode(body, errors)
    while len(encoded) > LONGEST_BODY:
        errors.pop()
        encoded = _encode(body, errors)
    return encoded


def _encode(body: dict[str, object], errors: list[dict[str, str]]) -> bytes:
    return json.dumps({**body, "errors": errors} if errors else body).encode("ascii")


def problem_told(kind: Kind, problems: Sequence[Problem]) -> tuple[bytes, bytes]:
    """A problem as this door tells it: see `problem_body`, and its media type."""
    return problem_body(kind, problems), PROBLEM_JSON


async def send_problem(
    send: Send, kind: Kind, problems: Sequence[Problem] = (), headers: Iterable[Header] = (), tell: Tell = problem_told
) -> None:
    """Send a problem as the whole answer; see `problem_body`."""
    body, media_type = tell(kind, problems)
    await send(problem_start(kind, body, headers, media_type))
    await send({"type": "http.response.body", "body": body})


def problem_start(kind: Kind, body: bytes, headers: Iterable[Header] = (), media_type: bytes = PROBLEM_JSON) -> Message:
    """The message that opens a problem; its ``problem`` tells the record why, and goes no further."""
    return {**start(kind.status, body, media_type, (*headers, *kind.headers)), PROBLEM: kind.code}


class ProblemResponse(Response):
    """A problem as the router's handlers return it."""

    def __init__(self, kind: Kind, headers: Iterable[Header] = (), problems: Sequence[Problem] = ()) -> None:
        """Initialize the problem response.

        Args:
            kind: What kind.
            headers: More headers.
            problems: What is wrong, field by field.
        """
        super().__init__(status_code=kind.status)
        self._kind, self._more, self._problems = kind, headers, problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await send_problem(send, self._kind, self._problems, self._more)
