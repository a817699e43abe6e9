"""Uploads: bodies other than JSON, as an operation's upload has them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import Scope

from app.domains.api import Upload
from app.problem_types import UNSUPPORTED_MEDIA_TYPE, ProblemType
from app.rest.body import check_plain
from app.rest.responses import request_header

MULTIPART = b"multipart/form-data"
Read = Callable[[bytes], Any]
_BODY = "body"


class Uploads:
    """Makes requests of what an operation takes beside JSON."""

    def __init__(self, upload: Upload[Any]) -> None:
        """Initialize the uploads.

        Args:
            upload: What it takes.
        """
        from app.rest.multipart import form_part  # needs python-multipart, which is installed only for uploads

        self._form_part = form_part
        self._upload = upload
        self._types = frozenset(media_type.encode("ascii") for media_type in upload.types)

    def reader(self, scope: Scope) -> Read | None:
        """What makes the body of this call a request; None where the body is something else.

        Raises:
            RequestRejected: The body is compressed.
        """
        content_type = request_header(scope, b"content-type") or b""
        media_type = content_type.partition(b";")[0].strip().lower()
        if media_type in self._types:
            check_plain(scope)
            return lambda body: self._upload.request(body, _BODY)
        if media_type == MULTIPART:
            check_plain(scope)
            field = self._upload.field
            return lambda body: self._upload.request(self._form_part(body, content_type, field), field)
        return None


def not_taken(upload: Upload[Any] | None) -> ProblemType:
    """The problem of a body of another type.

    Args:
        upload: What an operation takes beside JSON.
    """
    if upload is None:
        return UNSUPPORTED_MEDIA_TYPE
    types = ", ".join((*upload.types, MULTIPART.decode("ascii")))
    return replace(UNSUPPORTED_MEDIA_TYPE, detail=f"Send one of these: application/json, {types}.")


def media(upload: Upload[Any]) -> dict[str, Any]:
    """An upload as OpenAPI has it: a file to choose, for each media type.

    Args:
        upload: What an operation takes beside JSON.
    """
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {upload.field: file}, "required": [upload.field]}
    schemas: dict[str, Any] = {MULTIPART.decode("ascii"): {"schema": form}}
    return {**schemas, **{media_type: {"schema": file} for media_type in upload.types}}
