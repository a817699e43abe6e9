"""What a browser gets where a program gets a problem: a page of its own, or a small one with the same status."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import Problem
from app.problem_types import METHOD_NOT_ALLOWED, NOT_AUTHENTICATED, ProblemType
from app.rest.problems import ProblemFormatter
from app.rest.responses import Header
from app.rest.root_path import root_path_of

DOCS_PATH = "/docs"
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#222;"
    "background:#fff}h1{font-size:1.5rem}code{white-space:nowrap}"
)
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: tuple[Header, ...] = ((b"content-security-policy", _POLICY.encode()),)
"""Headers of a page: nothing is loaded or run, and only its own style applies."""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Beer Model</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<h1>{status} {title}</h1>
{sentences}
</body>
</html>
"""
_FOR_PROGRAMS = {
    NOT_AUTHENTICATED.code: "This address is for programs, which send an API key in the header <code>X-API-Key</code>.",
    METHOD_NOT_ALLOWED.code: "This address is for programs, which send data to it (<code>POST</code>).",
}
"""Details that a person understands, in HTML, by the problem's code."""
_DOCS_OFF = "The documentation page is switched off on this server (DOCS_ENABLED=false)."
_DOCS_MISSING = "The documentation page is not installed on this server (fastapi-offline)."


class BrowserPages:
    """Answers browsers where a path is closed, or does not exist."""

    def __init__(self, docs_enabled: bool, paths: Iterable[str], page: ASGIApp | None = None) -> None:
        """Create the pages.

        Args:
            docs_enabled: Whether the documentation is switched on.
            paths: The paths of the routes.
            page: Answers browsers at ``/``; by default they are redirected to the documentation.
        """
        self._has_docs = DOCS_PATH in paths
        self.home = page or (send_to_docs if self._has_docs else None)
        """Answers browsers without a key at ``/``; None if there is nothing to show or to lead to."""
        self._docs_missing = _DOCS_MISSING if docs_enabled else _DOCS_OFF

    def formatter(self, scope: Scope) -> ProblemFormatter:
        """Return a formatter that makes a page of a problem; send `PAGE_HEADERS` with it.

        Args:
            scope: The ASGI scope of the request, of which only the prefix of the path appears in the page.
        """
        link = f'<a href="{escape(docs_address(scope))}">documentation of the API</a>'
        docs = f"Try the requests in the {link}." if self._has_docs else self._docs_missing

        def format_page(problem_type: ProblemType, problems: Sequence[Problem]) -> tuple[bytes, bytes]:
            detail = _FOR_PROGRAMS.get(problem_type.code) or escape(problem_type.detail)
            page = _PAGE.format(
                title=escape(problem_type.title),
                style=_STYLE,
                status=problem_type.http_status,
                sentences=f"<p>{detail}</p>\n<p>{docs}</p>",
            )
            return page.encode(), b"text/html; charset=utf-8"

        return format_page


def docs_address(scope: Scope) -> str:
    """Return the address of the documentation, as a link in the response to a request.

    Without a known prefix it is relative: a proxy may publish the service under one that it removes.

    Args:
        scope: The ASGI scope of the request.
    """
    prefix = root_path_of(scope)
    levels = scope["path"].count("/") - 1
    return f"{prefix}{DOCS_PATH}" if prefix else f"{'../' * levels}{DOCS_PATH[1:]}"


async def send_to_docs(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application that leads the browser to the documentation."""
    headers = [(b"location", docs_address(scope).encode("ascii")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
