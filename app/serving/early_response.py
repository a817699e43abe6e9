"""Refusals below the application: problems as bytes, for requests that never become one."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.problem_types import ProblemType
from app.rest.problems import PROBLEM_JSON, problem_body
from app.rest.responses import Header


def refusal(problem_type: ProblemType, headers: list[Header]) -> bytes:
    """A whole answer that closes the connection.

    Args:
        problem_type: What is wrong.
        headers: Headers that every answer has.
    """
    body = problem_body(problem_type)
    lines = [
        *headers,
        (b"content-type", PROBLEM_JSON),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    return (
        STATUS_LINE[problem_type.http_status]
        + b"".join(name + b": " + value + b"\r\n" for name, value in lines)
        + b"\r\n"
        + body
    )
