"""Listings over REST: reference data that a client may keep, and asks about again with its entity tag."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from fastapi import FastAPI, Request
from pydantic import TypeAdapter
from starlette.responses import Response

from app.domains.api import Listing
from app.problem_types import MALFORMED_REQUEST
from app.rest.openapi import KEY_PROBLEMS, KEYED, problem_responses

MAX_AGE = 3600
"""Seconds for which a client may use its copy without asking again."""
_CACHE_CONTROL = f"private, max-age={MAX_AGE}"
"""Only the client itself may keep a copy: a shared cache would give it to callers without a key."""
_HEADERS = {
    "ETag": {"description": "Tag of this version of the list.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "How long a copy may be used.", "schema": {"type": "string"}},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "Tags of the client's copies: if one is up to date, the answer is 304.",
    "schema": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class _Contents:
    """A listing as it is sent."""

    body: bytes
    etag: str


def add_listing(router: FastAPI, listing: Listing[Any]) -> None:
    """Add ``GET`` of a listing.

    Args:
        router: The FastAPI application.
        listing: The reference data.
    """

    @cache
    def contents() -> _Contents:
        body = TypeAdapter(listing.answer).serializer.to_json(listing.read())
        return _Contents(body, f'"{sha256(body).hexdigest()[:32]}"')

    @router.get(
        listing.path,
        dependencies=KEYED,
        response_model=listing.answer,
        response_description="The list",
        responses={
            200: {"headers": _HEADERS},
            304: {"description": "The client's copy is up to date", "headers": _HEADERS},
            **problem_responses(*KEY_PROBLEMS, MALFORMED_REQUEST),
        },
        operation_id=listing.name,
        name=listing.name,
        summary=listing.summary,
        description=listing.description,
        openapi_extra={"parameters": [_IF_NONE_MATCH]},
    )
    def endpoint(request: Request) -> Response:  # in a thread: the first list takes a tenth of a second to make
        current = contents()
        headers = {"etag": current.etag, "cache-control": _CACHE_CONTROL}
        if _has_tag(request.headers.get("if-none-match", ""), current.etag):
            return Response(status_code=304, headers=headers)
        return Response(current.body, headers=headers, media_type="application/json")


def _has_tag(if_none_match: str, etag: str) -> bool:
    """Whether a header has a tag; a proxy that compresses makes it a weak one, which counts (RFC 9110, 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags
