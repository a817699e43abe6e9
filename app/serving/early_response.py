"""Responses to requests that the application never sees: problems as bytes."""

from collections.abc import Iterable
from http import HTTPStatus

from app.problem_types import ProblemType
from app.rest.problems import PROBLEM_JSON, problem_body
from app.rest.responses import Header


def early_response(problem_type: ProblemType, headers: Iterable[Header]) -> bytes:
    """Encode a complete response that closes the connection.

    Args:
        problem_type: The problem.
        headers: Further headers.
    """
    body = problem_body(problem_type)
    lines = [
        *headers,
        (b"content-type", PROBLEM_JSON),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    status_line = f"HTTP/1.1 {problem_type.http_status} {HTTPStatus(problem_type.http_status).phrase}\r\n".encode(
        "ascii"
    )
    return status_line + b"".join(name + b": " + value + b"\r\n" for name, value in lines) + b"\r\n" + body
