"""The documentation: ``/openapi.json``, and the page ``/docs``, which works without internet access."""

import json
from collections.abc import Awaitable, Callable
from copy import deepcopy
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from app.rest.oip.routes import oip_schemas
from app.rest.openapi import PROBLEM_SCHEMAS, add_response_headers
from app.rest.root_path import root_path_of
from app.rest.schemas import publish_schemas

_STATIC = Path(__file__).parent / "static"
_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LINK = b'<nav><a href=".">The page for brewers</a></nav>\n'
"""The link in ``docs.html`` to the page at ``/``."""
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {"content-security-policy": _CONTENT_SECURITY, "cache-control": "no-cache"}


def describe(router: FastAPI, root_path: str = "") -> dict[str, Any]:
    """Return the OpenAPI document of the REST API.

    Args:
        router: The FastAPI application.
        root_path: Prefix of all paths, which the document then names as its server.
    """
    document = get_openapi(
        title=router.title,
        version=router.version,
        description=router.description,
        routes=router.routes,
        servers=[{"url": root_path}] if root_path else None,
    )
    document["components"]["schemas"] |= {**oip_schemas(), **deepcopy(PROBLEM_SCHEMAS)}
    add_response_headers(document)
    publish_schemas(document)
    return document


def add_docs(router: FastAPI, has_page: bool = False) -> None:
    """Add ``/openapi.json`` and ``/docs``.

    Args:
        router: The FastAPI application, which is described as well.
        has_page: Whether ``/`` has a page to link to.
    """

    @lru_cache(4)  # built at the first request: it takes an eighth of the start time
    def document(root_path: str) -> bytes:
        return json.dumps(describe(router, root_path)).encode("ascii")

    @router.get("/openapi.json", include_in_schema=False)
    def openapi(request: Request) -> Response:  # runs in a thread
        return Response(document(root_path_of(request.scope)), media_type="application/json")

    _add_page(router, has_page)


def _add_page(router: FastAPI, has_page: bool) -> None:
    """Add the page and its files, if the package with Swagger UI, fastapi-offline, is installed."""
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        return
    swagger = Path(package.origin).parent / "static"
    for path, file in {
        "/docs": _STATIC / "docs.html",
        "/docs/assets/docs.js": _STATIC / "docs.js",
        "/docs/assets/swagger-ui.css": swagger / "swagger-ui.css",
        "/docs/assets/swagger-ui-bundle.js": swagger / "swagger-ui-bundle.js",
    }.items():
        omitted = b"" if has_page else _LINK
        router.add_api_route(path, _file_endpoint(file, omitted), include_in_schema=False)


def _file_endpoint(file: Path, omitted: bytes) -> Callable[[], Awaitable[Response]]:
    @cache
    def contents() -> bytes:  # one object for all downloads, which last as long as their clients read
        return file.read_bytes().replace(omitted, b"")

    async def endpoint() -> Response:  # Starlette's FileResponse answers an invalid Range in plain text
        return Response(contents(), media_type=_TYPES[file.suffix], headers=_HEADERS)

    return endpoint
