"""The brewer's page: the files in ``app/page``, at ``/`` and under ``/page/VERSION/``.

The version is a digest of all files, so browsers may keep the files of a version for good: ``index.html`` is asked for
each time, and names the version. Modules refer to each other by relative addresses and so keep to one version.
"""

import gzip
import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from app.rest.negotiation import accepts_gzip
from app.rest.responses import AsgiResponse, Header, request_header, respond
from app.rest.root_path import root_path_of

_INDEX = "index.html"
_WORKER = "worker.js"
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
}
"""Media types by suffix; files with another suffix, such as those of the compiler, are not served."""
_LOADED_BY_DOCUMENTS = (_TYPES[".js"], _TYPES[".css"])
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_OWN_PAGES_ONLY: Header = (b"cross-origin-resource-policy", b"same-origin")
_RESTRICTED: Header = (b"content-security-policy", _POLICY)
_DOCUMENT: tuple[Header, ...] = (
    _RESTRICTED,
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
"""What a document may do. Scripts and styles are ruled by the document that loads them."""
_FOR_GOOD: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_EACH_TIME: Header = (b"cache-control", b"no-cache")
_ENCODING: Header = (b"vary", b"accept-encoding")
_ACCEPT_TOO: Header = (b"vary", b"accept, accept-encoding")
"""Programs get a problem where browsers get the page."""
_DOCS_LINK = re.compile(rb'[ \t]*<a href="docs".*?</a>\n')
"""The link in ``index.html`` to the documentation."""
_REFERENCE = re.compile(rb'((?:href|src)=")(page/|docs")')
_BODY_LIMIT = re.compile(rb'(<meta name="body-limit" content=")[^"]*(")')
"""Where ``index.html`` says how large a request's body may be."""
_COMMENTS = re.compile(rb"^[ \t]*(?:/\*\*(?:(?!\*/)[\s\S])*\*/[ \t]*|//.*)\n", re.MULTILINE)
"""Comments in JavaScript that fill whole lines, a third of the bytes. No string of the page has such lines."""
_LONGEST_TAGS = 1_000
"""Bytes of a header If-None-Match that are read."""
_TAG_LENGTH = 16


class _File:
    """A file in both codings in which it is sent, each of which has an entity tag of its own."""

    def __init__(self, media_type: bytes, body: bytes) -> None:
        self.media_type = media_type
        self.body = body
        self.tag = b'"%s"' % sha256(body).hexdigest()[:_TAG_LENGTH].encode("ascii")

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.body, 9, mtime=0)

    async def send(self, scope: Scope, send: Send, headers: tuple[Header, ...]) -> None:
        """Send the file, or say that the client has it."""
        is_compressed = accepts_gzip(scope)
        tag = self.tag.replace(b'"', b'"gzip-', 1) if is_compressed else self.tag
        headers = (*headers, (b"etag", tag), _OWN_PAGES_ONLY)
        if _has(request_header(scope, b"if-none-match"), tag):
            await send({"type": "http.response.start", "status": 304, "headers": list(headers)})
            await send({"type": "http.response.body", "body": b""})
        elif is_compressed:
            coding: Header = (b"content-encoding", b"gzip")
            await respond(send, 200, self.compressed, self.media_type, (*headers, coding))
        else:
            await respond(send, 200, self.body, self.media_type, headers)


class BrewersPage:
    """Serves the page. Its files are read at the first request."""

    def __init__(self, folder: Path, body_limit: int, has_docs: bool = True) -> None:
        """Create the page.

        Args:
            folder: The folder of the page's files.
            body_limit: Maximum bytes of a request's body, which is passed to the page.
            has_docs: Whether ``/docs`` exists, to which the page then links.
        """
        self._folder = folder
        self._body_limit = b"%d" % body_limit
        self._has_docs = has_docs
        self._index = lru_cache(4)(self._index_under)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a browser at ``/``."""
        scope["state"]["route"] = "/"
        prefix = root_path_of(scope)
        if prefix and scope.get("raw_path") == prefix.encode("ascii"):  # relative addresses need the slash
            headers = [(b"location", f"{prefix}/".encode("ascii")), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 307, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._index(prefix).send(scope, send, (_EACH_TIME, _ACCEPT_TOO, *_DOCUMENT))

    def add_files(self, router: FastAPI) -> None:
        """Add the route of the files.

        Args:
            router: The FastAPI application.
        """

        @router.get("/page/{digest}/{name:path}", include_in_schema=False)
        async def page_file(digest: str, name: str, request: Request) -> AsgiResponse:
            file = self._files.get(name)
            if file is None or digest != self.version:  # files of two versions may not fit together
                raise HTTPException(404)
            headers: tuple[Header, ...] = (_FOR_GOOD, _ENCODING)
            if file.media_type not in _LOADED_BY_DOCUMENTS:
                headers = (*headers, _RESTRICTED)
            if name == _WORKER:  # has rules of its own, and answers for the whole page, not only for its folder
                whole_page = f"{root_path_of(request.scope)}/".encode("ascii")
                headers = (*headers, _RESTRICTED, (b"service-worker-allowed", whole_page))

            async def application(scope: Scope, receive: Receive, send: Send) -> None:
                await file.send(scope, send, headers)

            return AsgiResponse(application)

    @cached_property
    def version(self) -> str:
        """Digest of all files and their names."""
        digest = sha256(self._source)
        for name, file in self._files.items():
            digest.update(b"\0%s\0%s" % (name.encode(), file.tag))
        return digest.hexdigest()[:_TAG_LENGTH]

    @cached_property
    def _source(self) -> bytes:
        source = (self._folder / _INDEX).read_bytes()
        return source if self._has_docs else _DOCS_LINK.sub(b"", source)

    @cached_property
    def _files(self) -> Mapping[str, _File]:
        """The files by their path below the folder, sorted; without the index."""
        paths = sorted(path for path in self._folder.rglob("*") if path.suffix in _TYPES and path.is_file())
        names = {path.relative_to(self._folder).as_posix(): path for path in paths}
        names.pop(_INDEX, None)
        return {name: _File(_TYPES[path.suffix], _contents(path)) for name, path in names.items()}

    def _index_under(self, prefix: str) -> _File:
        """Return the index, whose references name the version, with the limit on a body.

        Without a known prefix they are relative: a proxy may publish the service under one that it removes.

        Args:
            prefix: Prefix of all paths of this program; empty if none is known.
        """
        root = f"{prefix}/".encode("ascii") if prefix else b""
        files = root + f"page/{self.version}/".encode("ascii")
        references = {b"page/": files, b'docs"': root + b'docs"'}
        body = _REFERENCE.sub(lambda match: match[1] + references[match[2]], self._source)
        body = _BODY_LIMIT.sub(rb"\g<1>%s\g<2>" % self._body_limit, body)
        return _File(_TYPES[".html"], body)


def _contents(path: Path) -> bytes:
    """Return a file as it is sent."""
    contents = path.read_bytes()
    return without_comments(contents) if path.suffix == ".js" else contents


def without_comments(script: bytes) -> bytes:
    """Return a script of the page without the comments that fill whole lines."""
    return _COMMENTS.sub(b"", script)


def _has(tags: bytes | None, tag: bytes) -> bool:
    """Return whether a header If-None-Match names an entity tag, by the weak comparison (RFC 9110, 13.1.2)."""
    if tags is None:
        return False
    listed = [each.strip().removeprefix(b"W/") for each in tags[:_LONGEST_TAGS].split(b",")]
    return tag in listed or listed == [b"*"]
