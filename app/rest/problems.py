"""Sends errors as ``application/problem+json`` (RFC 9457), without the client's input."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.domains.validation import sanitize
from app.errors import Problem
from app.problem_types import TRAILING_SLASH, ProblemType
from app.rest.responses import Header, path_without_slash, response_start

PROBLEM_JSON = b"application/problem+json"
PROBLEM = "problem"
"""Key of a problem's code in the ASGI message that starts the response."""
REFUSED = "refused"
"""Key of a problem type in a request's state, set if the server has responded in place of the application."""
MAX_PROBLEMS = 20
MAX_BODY_SIZE = 8192
_MAX_FIELD_LENGTH = 120
_MAX_REASON_LENGTH = 200


ProblemFormatter = Callable[[ProblemType, Sequence[Problem]], tuple[bytes, bytes]]
"""Makes a body, and its media type, of a problem type and the problems of the input."""


class RequestRejected(Exception):
    """The request is rejected before it is understood: it is too large, not JSON, or one too many."""

    def __init__(self, problem_type: ProblemType, *, unread: bool = True, headers: Sequence[Header] = ()) -> None:
        """Create the exception.

        Args:
            problem_type: Why the request is rejected.
            unread: Whether more of the body may arrive.
            headers: Additional headers of the response.
        """
        super().__init__(problem_type.code)
        self.problem_type = problem_type
        self.unread = unread
        self.headers = headers


def problem_body(problem_type: ProblemType, problems: Sequence[Problem] = ()) -> bytes:
    """Return a problem as JSON of at most 8 KB.

    Args:
        problem_type: The type of the problem.
        problems: The problems of the input; the first 20 are listed, fewer if they are long.

    Returns:
        ``{"type", "title", "status", "detail", "code"}``, with ``"errors": [{"field", "code", "reason"}, ...]`` if
        there are problems of the input, and ``"errors_total"`` with their number if not all are listed.
    """
    return _encode(problem_type, problems) if problems else _encode_plain(problem_type)


@lru_cache(64)  # there are about 20 problem types
def _encode_plain(problem_type: ProblemType) -> bytes:
    return _encode(problem_type, ())


def _encode(problem_type: ProblemType, problems: Sequence[Problem]) -> bytes:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem_type.title,
        "status": problem_type.http_status,
        "detail": problem_type.detail,
        "code": problem_type.code,
    }
    errors = [
        {
            "field": sanitize(problem.field, _MAX_FIELD_LENGTH),
            "code": problem.code,
            "reason": sanitize(problem.reason, _MAX_REASON_LENGTH),
        }
        for problem in problems[:MAX_PROBLEMS]
    ]
    encoded = _encode_json(body, errors, len(problems))
    while len(encoded) > MAX_BODY_SIZE:
        errors.pop()
        encoded = _encode_json(body, errors, len(problems))
    return encoded


def _encode_json(body: dict[str, object], errors: list[dict[str, str]], total: int) -> bytes:
    if errors:
        body = {**body, "errors": errors}
    if len(errors) < total:
        body = {**body, "errors_total": total}
    return json.dumps(body).encode("ascii")


def format_problem(problem_type: ProblemType, problems: Sequence[Problem]) -> tuple[bytes, bytes]:
    """Return a problem as JSON, see `problem_body`, and its media type."""
    return problem_body(problem_type, problems), PROBLEM_JSON


async def send_problem(
    send: Send,
    problem_type: ProblemType,
    problems: Sequence[Problem] = (),
    headers: Iterable[Header] = (),
    formatter: ProblemFormatter = format_problem,
) -> None:
    """Send a problem as the whole response.

    Args:
        send: The ASGI callable.
        problem_type: The type of the problem.
        problems: The problems of the input.
        headers: Additional headers.
        formatter: Formats the problem.
    """
    body, media_type = formatter(problem_type, problems)
    await send(problem_start(problem_type, body, headers, media_type))
    await send({"type": "http.response.body", "body": body})


async def send_redirect(scope: Scope, send: Send, formatter: ProblemFormatter = format_problem) -> bool:
    """Send the path without its slash to a client that asks for a path with a slash at its end.

    Serving both paths would let a client pass by a proxy's rule for the one that is documented.

    Args:
        scope: The ASGI scope.
        send: The ASGI callable.
        formatter: Formats the problem.

    Returns:
        Whether a redirect was sent.
    """
    location = path_without_slash(scope)
    if location is not None:
        await send_problem(send, TRAILING_SLASH, headers=[(b"location", location)], formatter=formatter)
    return location is not None


def problem_start(
    problem_type: ProblemType, body: bytes, headers: Iterable[Header] = (), media_type: bytes = PROBLEM_JSON
) -> Message:
    """Return the ASGI message that starts a problem. The access log takes the problem's code from it."""
    retry: tuple[Header, ...] = ()
    if problem_type.retry_after is not None:
        retry = ((b"retry-after", b"%d" % problem_type.retry_after),)
    message = response_start(problem_type.http_status, body, media_type, (*headers, *retry))
    return {**message, PROBLEM: problem_type.code}


class ProblemResponse(Response):
    """A problem as a Starlette response, for the handlers of the router."""

    def __init__(
        self,
        problem_type: ProblemType,
        headers: Iterable[Header] = (),
        problems: Sequence[Problem] = (),
        formatter: ProblemFormatter = format_problem,
    ) -> None:
        """Create the response.

        Args:
            problem_type: The type of the problem.
            headers: Additional headers.
            problems: The problems of the input.
            formatter: Formats the problem.
        """
        super().__init__(status_code=problem_type.http_status)
        self._problem_type, self._extra_headers, self._problems = problem_type, headers, problems
        self._formatter = formatter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        await send_problem(send, self._problem_type, self._problems, self._extra_headers, self._formatter)
