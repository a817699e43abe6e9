"""What the OpenAPI document says beside the routes: the key and the problems."""

from typing import Any

from fastapi import FastAPI, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import APIKeyHeader

from app.problem_types import (
    INVALID_INPUT,
    LIMITS_UNAVAILABLE,
    MALFORMED_REQUEST,
    MODEL_NOT_FOUND,
    NOT_ALLOWED,
    NOT_AUTHENTICATED,
    NOT_READY,
    OVERLOADED,
    RATE_EXCEEDED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemType,
)
from app.rest.api_key import API_KEY_HEADER

KEYED = [Security(APIKeyHeader(name=API_KEY_HEADER, scheme_name="ApiKey", auto_error=False))]
"""Documents that a route needs the key; the gate is what checks it."""

_PROBLEM_SCHEMA = {
    "title": "ProblemDetails",
    "description": "RFC 9457. `code` is stable; the input is never repeated.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "required": ["field", "code", "reason"],
                "properties": {
                    "field": {"type": "string", "description": "Path of the field: beers.3.abv"},
                    "code": {"type": "string"},
                    "reason": {"type": "string"},
                },
            },
        },
    },
}


def described(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for these problems."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    titles: dict[int | str, list[str]] = {}
    for problem_type in kinds:
        titles.setdefault(problem_type.http_status, []).append(problem_type.title)
    return {status: {"description": "; ".join(found), "content": content} for status, found in titles.items()}


KEY_PROBLEMS = (NOT_AUTHENTICATED, NOT_ALLOWED, RATE_EXCEEDED, LIMITS_UNAVAILABLE)
OPERATION_PROBLEMS = (
    *KEY_PROBLEMS,
    MALFORMED_REQUEST,
    MODEL_NOT_FOUND,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_INPUT,
    NOT_READY,
    OVERLOADED,
)
MODEL_PROBLEMS = (*KEY_PROBLEMS, MODEL_NOT_FOUND, INVALID_INPUT, NOT_READY)


def describe(application: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application.

    Args:
        application: Its routes are read.

    Returns:
        The document.
    """
    document = get_openapi(
        title=application.title,
        version=application.version,
        description=application.description,
        routes=application.routes,
    )
    document["components"]["schemas"]["ProblemDetails"] = _PROBLEM_SCHEMA
    return document
