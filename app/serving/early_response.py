"""Refusals below the application: problems as bytes, for requests that never become one."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from app.rest.asgi import Header
from app.rest.problems import PROBLEM_JSON, Kind, problem_body

TIMED_OUT = Kind(408, "timeout", "Request timeout", "The request did not arrive in time.")
TARGET_TOO_LONG = Kind(414, "uri_too_long", "URI too long", "The request's target is longer than is taken here.")
HEAD_TOO_LARGE = Kind(431, "headers_too_large", "Headers too large", "The headers are larger or more than is taken.")


def refusal(kind: Kind, headers: list[Header]) -> bytes:
    """A whole answer that closes the connection.

    Args:
        kind: What is wrong.
        headers: Headers that every answer has.
    """
    body = problem_body(kind)
    lines = [
        *headers,
        (b"content-type", PROBLEM_JSON),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    return STATUS_LINE[kind.status] + b"".join(name + b": " + value + b"\r\n" for name, value in lines) + b"\r\n" + body
