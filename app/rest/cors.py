"""Calls from web pages of other origins (CORS): preflight requests, and the headers that let a page read a response.

The key travels in a header that the page sets, never in a cookie. So credentials are not allowed, and a page of an
allowed origin can do no more than any program that has the same key.
"""

from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.rest.responses import Header

ANY_ORIGIN = "*"
ALLOWED_METHODS = b"GET, HEAD, POST"
ALLOWED_HEADERS = (
    b"Content-Encoding, Content-Type, Inference-Header-Content-Length, X-API-Key, X-Model-Version, X-Request-ID, "
    b"traceparent, tracestate"
)
"""Headers that a page may send."""
EXPOSED_HEADERS = b"Inference-Header-Content-Length, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
"""Headers that a page may read, beyond those that every page may."""
_MAX_AGE = b"600"
"""Seconds for which a browser may keep the answer to a preflight request."""
_PREFLIGHT: tuple[Header, ...] = (
    (b"access-control-allow-methods", ALLOWED_METHODS),
    (b"access-control-allow-headers", ALLOWED_HEADERS),
    (b"access-control-max-age", _MAX_AGE),
)
_VARY: Header = (b"vary", b"Origin")


class AllowedOrigins:
    """The origins whose pages may call the API."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Create the set of origins.

        Args:
            origins: One or more origins as browsers send them, such as ``https://brewery.example``; `ANY_ORIGIN` allows
                each.
        """
        self._origins = frozenset(origin.encode("ascii") for origin in origins)
        self._any = ANY_ORIGIN.encode() in self._origins

    def allows(self, headers: Iterable[Header]) -> bool:
        """Return whether a request with these headers comes from a page of an allowed origin."""
        origin = _value(headers, b"origin")
        return origin is not None and (self._any or origin in self._origins)

    def response_headers(self, headers: Sequence[Header]) -> list[Header]:
        """Return the headers of a response, whatever its status, that let the page read it.

        Args:
            headers: The headers of the request.
        """
        vary = [] if self._any else [_VARY]  # a cache must not give one page another's response
        if not self.allows(headers):
            return vary
        origin = ANY_ORIGIN.encode() if self._any else _value(headers, b"origin") or b""
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED_HEADERS), *vary]


class CorsMiddleware:
    """ASGI middleware that adds the headers to every response; the outermost, so that errors have them as well."""

    def __init__(self, app: ASGIApp, origins: AllowedOrigins) -> None:
        """Create the middleware.

        Args:
            app: The next application.
            origins: The origins whose pages may call the API.
        """
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += self._origins.response_headers(scope["headers"])
            await send(message)

        await self._app(scope, receive, send_with_headers)


class PreflightMiddleware:
    """ASGI middleware that answers preflight requests of allowed origins, before the API key: they never have one.

    Every path gets the same answer, so that it does not tell which ones exist.
    """

    def __init__(self, app: ASGIApp, origins: AllowedOrigins) -> None:
        """Create the middleware; for the arguments, see `CorsMiddleware`."""
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""
        headers = scope.get("headers", ())
        if (
            scope.get("method") != "OPTIONS"
            or _value(headers, b"access-control-request-method") is None
            or not self._origins.allows(headers)
        ):
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 204, "headers": [*_PREFLIGHT]})
        await send({"type": "http.response.body", "body": b""})


def _value(headers: Iterable[Header], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)
