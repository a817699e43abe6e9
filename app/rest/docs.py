"""The page /docs, which works without the internet: Swagger UI comes from the package fastapi-offline."""

from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response

_OURS = Path(__file__).parent / "static"
_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_HEADERS = {"content-security-policy": _CONTENT_SECURITY, "cache-control": "no-cache"}


def add_docs_page(router: FastAPI) -> None:
    """Add the page and its assets, where the package with Swagger UI is installed.

    Args:
        router: Gets the routes.
    """
    package = find_spec("fastapi_offline")
    if package is None or package.origin is None:
        return
    theirs = Path(package.origin).parent / "static"
    for path, file in {
        "/docs": _OURS / "docs.html",
        "/docs/assets/docs.js": _OURS / "docs.js",
        "/docs/assets/swagger-ui.css": theirs / "swagger-ui.css",
        "/docs/assets/swagger-ui-bundle.js": theirs / "swagger-ui-bundle.js",
    }.items():
        router.add_api_route(path, _serves(file), include_in_schema=False)


def _serves(file: Path) -> Callable[[], Awaitable[Response]]:
    async def endpoint() -> Response:  # Starlette's FileResponse answers a bad Range in plain text
        return Response(file.read_bytes(), media_type=_TYPES[file.suffix], headers=_HEADERS)

    return endpoint
