"""Uploads: request bodies other than JSON, if an operation accepts them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Scope

from app.domains.api import JSON_TYPE, Upload
from app.errors import InputError, Problem
from app.problem_types import UNSUPPORTED_MEDIA_TYPE, ProblemType
from app.rest.body import check_uncompressed
from app.rest.responses import request_header

MULTIPART = b"multipart/form-data"
BodyReader = Callable[[bytes], Any]
"""Makes a request from a complete body."""
_BODY = "body"
_VALUES = {"true": True, "1": True, "false": False, "0": False}
"""What a flag in a query may be, and what it means."""


class UploadReader:
    """Selects how the body of an upload is read."""

    def __init__(self, upload: Upload[Any]) -> None:
        """Create the reader.

        Args:
            upload: The files that an operation accepts.
        """
        from app.rest.multipart import form_part  # needs python-multipart, which is installed only for uploads

        self._form_part = form_part
        self._upload = upload
        self._flags = frozenset(flag.name for flag in upload.flags)
        self._types = frozenset(media_type.encode("ascii") for media_type in (*upload.types, *upload.aliases))

    def body_reader(self, scope: Scope) -> BodyReader | None:
        """Return the reader of the body of a request; None if the body is not an upload.

        Raises:
            RequestRejected: If the body is compressed.
            InputError: If a flag in the query is neither true nor false.
        """
        content_type = request_header(scope, b"content-type") or b""
        media_type = content_type.partition(b";")[0].strip().lower()
        if media_type in self._types:
            check_uncompressed(scope)
            flags = self._flags_of(scope)
            return lambda body: self._upload.request(body, _BODY, **flags)
        if media_type == MULTIPART:
            check_uncompressed(scope)
            flags, field = self._flags_of(scope), self._upload.field
            return lambda body: self._upload.request(self._form_part(body, content_type, field), field, **flags)
        return None

    def _flags_of(self, scope: Scope) -> dict[str, bool]:
        """Return the flags that a query sets; the last of a repeated one counts, and others are ignored."""
        query = scope.get("query_string", b"") if self._flags else b""
        given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {}
        wrong = [name for name in sorted(self._flags & given.keys()) if given[name].lower() not in _VALUES]
        if wrong:
            raise InputError([Problem(name, "bool_parsing", "must be true or false") for name in wrong])
        return {name: True for name in self._flags & given.keys() if _VALUES[given[name].lower()]}


def media_type_problem(upload: Upload[Any] | None) -> ProblemType:
    """Return the problem type of a body with an unsupported media type; it names the supported ones.

    Args:
        upload: The files that an operation accepts.
    """
    if upload is None:
        return UNSUPPORTED_MEDIA_TYPE
    types = ", ".join(dict.fromkeys((JSON_TYPE, *upload.types, MULTIPART.decode("ascii"))))
    return replace(UNSUPPORTED_MEDIA_TYPE, detail=f"Send one of these media types: {types}.")


def upload_content(upload: Upload[Any], form_name: str) -> dict[str, Any]:
    """Return the OpenAPI ``content`` of an upload: a file to choose, for each media type.

    Args:
        upload: The files that an operation accepts.
        form_name: Name of the form's schema.
    """
    file = {"type": "string", "format": "binary"}
    form = {"title": form_name, "type": "object", "properties": {upload.field: file}, "required": [upload.field]}
    content: dict[str, Any] = {MULTIPART.decode("ascii"): {"schema": form}}
    return {**content, **{media_type: {"schema": file} for media_type in upload.types}}


def flag_parameters(upload: Upload[Any]) -> list[dict[str, Any]]:
    """Return the OpenAPI parameters of an upload's flags.

    Args:
        upload: The files that an operation accepts.
    """
    return [
        {
            "name": flag.name,
            "in": "query",
            "description": f"{flag.description} Default: false.",
            "required": False,
            "schema": {"type": "boolean"},
        }
        for flag in upload.flags
    ]
