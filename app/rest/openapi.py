"""Parts of the OpenAPI document: the API key, the errors and the response headers."""

from typing import Any

from fastapi import Security
from fastapi.security import APIKeyHeader

from app.problem_types import (
    INTERNAL_ERROR,
    INVALID_INPUT,
    LIMITS_UNAVAILABLE,
    MALFORMED_REQUEST,
    MODEL_NOT_FOUND,
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    NOT_READY,
    OVERLOADED,
    RATE_EXCEEDED,
    TIMEOUT,
    TOO_LARGE,
    TOO_LATE,
    TOO_MANY_FAILURES,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemType,
)
from app.rest.api_key import API_KEY_HEADER
from app.rest.problems import MAX_PROBLEMS
from app.rest.schemas import reference

Responses = dict[int | str, dict[str, Any]]
"""The ``responses`` of a FastAPI route."""

KEYED = [Security(APIKeyHeader(name=API_KEY_HEADER, scheme_name="ApiKey", auto_error=False))]
"""Documents that a route requires an API key; the middleware checks it."""

KEY_PROBLEMS = (NOT_AUTHENTICATED, NOT_ALLOWED, RATE_EXCEEDED, TOO_MANY_FAILURES, LIMITS_UNAVAILABLE, INTERNAL_ERROR)
MODEL_PROBLEMS = (*KEY_PROBLEMS, MODEL_NOT_FOUND, NOT_READY)
CALL_PROBLEMS = (*MODEL_PROBLEMS, MALFORMED_REQUEST, TIMEOUT, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, OVERLOADED, TOO_LATE)
"""Problems of every call that has a body and asks a model."""
OPERATION_PROBLEMS = (*CALL_PROBLEMS, INVALID_INPUT)

PROBLEM_SCHEMAS = {
    "ProblemDetails": {
        "description": "RFC 9457. `code` is stable; the input is never repeated.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string"},
            "errors": {"type": "array", "maxItems": MAX_PROBLEMS, "items": reference("FieldProblem")},
        },
    },
    "FieldProblem": {
        "description": "What is wrong with a field.",
        "type": "object",
        "required": ["field", "code", "reason"],
        "properties": {
            "field": {"type": "string", "description": "Path of the field: beers.3.abv"},
            "code": {"type": "string"},
            "reason": {"type": "string"},
        },
        "errors_total": {"type": "integer", "description": "Number of errors, if not all are listed."},
    },
}
PROBLEM_CONTENT = {"application/problem+json": {"schema": reference("ProblemDetails")}}

_TEXT = {"type": "string"}
RESPONSE_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {"description": "Id of the request in the access log.", "schema": _TEXT},
    "RateLimit": {"description": "Rest of the rate limit of the API key, if it has one.", "schema": _TEXT},
    "RateLimit-Policy": {"description": "Rate limit of the API key, if it has one.", "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds after which the call may be retried, if they are known.",
        "schema": {"type": "integer", "minimum": 1},
    },
}
_RETRIABLE = {str(problem_type.http_status) for problem_type in (RATE_EXCEEDED, OVERLOADED)}


def problem_responses(*problem_types: ProblemType, content: dict[str, Any] = PROBLEM_CONTENT) -> Responses:
    """Return the ``responses`` of a route for its problem types.

    Args:
        problem_types: The problem types.
        content: Media type and schema of the error bodies.
    """
    titles: dict[int, list[str]] = {}
    for problem_type in problem_types:
        titles.setdefault(problem_type.http_status, []).append(problem_type.title)
    return {status: {"description": "; ".join(titles[status]), "content": content} for status in sorted(titles)}


def add_response_headers(document: dict[str, Any]) -> None:
    """Add the headers of the middleware to each response of a document.

    Args:
        document: The OpenAPI document, which is changed.
    """
    document["components"]["headers"] = RESPONSE_HEADERS
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                names = _header_names(status, is_keyed="security" in operation)
                shared = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
                response["headers"] = {**response.get("headers", {}), **shared}


def _header_names(status: str, is_keyed: bool) -> list[str]:
    if not is_keyed:
        return ["X-Request-ID"]
    retry = ["Retry-After"] if status in _RETRIABLE else []
    return ["X-Request-ID", "RateLimit", "RateLimit-Policy", *retry]
