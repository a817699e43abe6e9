"""Uploads: bodies other than JSON, as an operation's upload has them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.domains.api import Upload
from app.rest.asgi import Scope, header
from app.rest.body import check_plain
from app.rest.multipart import MULTIPART, part
from app.rest.problems import NOT_JSON, Kind

Read = Callable[[bytes], Any]
_BODY = "body"


class Uploads:
    """Makes requests of what an operation takes beside JSON."""

    def __init__(self, upload: Upload[Any]) -> None:
        """Initialize the uploads.

        Args:
            upload: What it takes.
        """
        self._upload = upload
        self._types = frozenset(kind.encode("ascii") for kind in upload.types)

    def reader(self, scope: Scope) -> Read | None:
        """What makes the body of this call a request; None where the body is something else.

        Raises:
            RequestRefused: The body is compressed.
        """
        content_type = header(scope, b"content-type") or b""
        kind = content_type.partition(b";")[0].strip().lower()
        if kind in self._types:
            check_plain(scope)
            return lambda body: self._upload.request(body, _BODY)
        if kind == MULTIPART:
            check_plain(scope)
            field = self._upload.field
            return lambda body: self._upload.request(part(body, content_type, field), field)
        return None


def not_taken(upload: Upload[Any] | None) -> Kind:
    """The problem of a body of another type.

    Args:
        upload: What an operation takes beside JSON.
    """
    if upload is None:
        return NOT_JSON
    types = ", ".join((*upload.types, MULTIPART.decode("ascii")))
    return replace(NOT_JSON, detail=f"Send one of these: application/json, {types}.")


def media(upload: Upload[Any]) -> dict[str, Any]:
    """An upload as OpenAPI has it: a file to choose, for each media type.

    Args:
        upload: What an operation takes beside JSON.
    """
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {upload.field: file}, "required": [upload.field]}
    kinds: dict[str, Any] = {MULTIPART.decode("ascii"): {"schema": form}}
    return {**kinds, **{kind: {"schema": file} for kind in upload.types}}
