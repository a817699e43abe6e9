"""Uploads: request bodies other than JSON, if an operation accepts them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.types import Scope

from app.domains.api import Upload
from app.problem_types import UNSUPPORTED_MEDIA_TYPE, ProblemType
from app.rest.body import check_uncompressed
from app.rest.responses import request_header

MULTIPART = b"multipart/form-data"
BodyReader = Callable[[bytes], Any]
"""Makes a request from a complete body."""
_BODY = "body"


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
        self._types = frozenset(media_type.encode("ascii") for media_type in (*upload.types, *upload.aliases))

    def body_reader(self, scope: Scope) -> BodyReader | None:
        """Return the reader of the body of a request; None if the body is not an upload.

        Raises:
            RequestRejected: If the body is compressed.
        """
        content_type = request_header(scope, b"content-type") or b""
        media_type = content_type.partition(b";")[0].strip().lower()
        if media_type in self._types:
            check_uncompressed(scope)
            return lambda body: self._upload.request(body, _BODY)
        if media_type == MULTIPART:
            check_uncompressed(scope)
            field = self._upload.field
            return lambda body: self._upload.request(self._form_part(body, content_type, field), field)
        return None


def media_type_problem(upload: Upload[Any] | None) -> ProblemType:
    """Return the problem type of a body with an unsupported media type; it names the supported ones.

    Args:
        upload: The files that an operation accepts.
    """
    if upload is None:
        return UNSUPPORTED_MEDIA_TYPE
    types = ", ".join((*upload.types, MULTIPART.decode("ascii")))
    return replace(UNSUPPORTED_MEDIA_TYPE, detail=f"Send one of these media types: application/json, {types}.")


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
