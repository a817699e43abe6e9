"""Problems: every error of the REST door as ``application/problem+json`` (RFC 9457), never with the input in it."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.domains.validation import tamed
from app.errors import Problem
from app.problem_types import ProblemType
from app.rest.responses import Header, response_start

PROBLEM_JSON = b"application/problem+json"
PROBLEM = "problem"
"""Key of a problem's code in the message that opens the answer."""
REFUSED = "refused"
"""Key of a problem type in a request's state, where the server has answered in the application's place."""
MOST_PROBLEMS = 20
LONGEST_BODY = 8192
_LONGEST_FIELD = 120
_LONGEST_REASON = 200


Tell = Callable[["ProblemType", Sequence[Problem]], tuple[bytes, bytes]]
"""Makes a problem a body and its media type."""


class RequestRejected(Exception):
    """The request is refused without being understood: too large, no JSON, too many before it, ..."""

    def __init__(self, problem_type: ProblemType, *, unread: bool = True) -> None:
        """Initialize the request refused.

        Args:
            problem_type: What is wrong.
            unread: Whether more of the body may still come.
        """
        super().__init__(problem_type.code)
        self.problem_type = problem_type
        self.unread = unread


def problem_body(problem_type: ProblemType, problems: Sequence[Problem] = ()) -> bytes:
    """A problem as JSON of at most 8 KB.

    Args:
        problem_type: The type of the problem.
        problems: What is wrong, field by field; the first 20 are told.

    Returns:
        ``{"type", "title", "status", "detail", "code"}`` and, where there are any, ``"errors": [{"field", "code",
        "reason"}, ...]``.
    """
    return _encoded(problem_type, problems) if problems else _plain(problem_type)


@lru_cache(64)  # there are about 20 kinds
def _plain(problem_type: ProblemType) -> bytes:
    return _encoded(problem_type, ())


def _encoded(problem_type: ProblemType, problems: Sequence[Problem]) -> bytes:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem_type.title,
        "status": problem_type.http_status,
        "detail": problem_type.detail,
        "code": problem_type.code,
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


def problem_told(problem_type: ProblemType, problems: Sequence[Problem]) -> tuple[bytes, bytes]:
    """A problem as this door tells it: see `problem_body`, and its media type."""
    return problem_body(problem_type, problems), PROBLEM_JSON


async def send_problem(
    send: Send,
    problem_type: ProblemType,
    problems: Sequence[Problem] = (),
    headers: Iterable[Header] = (),
    tell: Tell = problem_told,
) -> None:
    """Send a problem as the whole answer; see `problem_body`."""
    body, media_type = tell(problem_type, problems)
    await send(problem_start(problem_type, body, headers, media_type))
    await send({"type": "http.response.body", "body": body})


def problem_start(
    problem_type: ProblemType, body: bytes, headers: Iterable[Header] = (), media_type: bytes = PROBLEM_JSON
) -> Message:
    """The message that opens a problem; its ``problem`` tells the record why, and goes no further."""
    retry: tuple[Header, ...] = ()
    if problem_type.retry_after is not None:
        retry = ((b"retry-after", b"%d" % problem_type.retry_after),)
    return {
        **response_start(problem_type.http_status, body, media_type, (*headers, *retry)),
        PROBLEM: problem_type.code,
    }


class ProblemResponse(Response):
    """A problem as the router's handlers return it."""

    def __init__(
        self, problem_type: ProblemType, headers: Iterable[Header] = (), problems: Sequence[Problem] = ()
    ) -> None:
        """Initialize the problem response.

        Args:
            problem_type: The type of the problem.
            headers: More headers.
            problems: What is wrong, field by field.
        """
        super().__init__(status_code=problem_type.http_status)
        self._kind, self._more, self._problems = problem_type, headers, problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await send_problem(send, self._kind, self._problems, self._more)
