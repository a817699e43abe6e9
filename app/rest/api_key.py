"""The API-key middleware: checks the key before the body is read, and sends rejections."""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.guard import Guard, rate_limit_headers
from app.access.keys import Principal
from app.access.public import PublicModels
from app.access.rates import Window
from app.errors import CallError, Limited, NotAuthenticated
from app.problem_types import problem_type_of
from app.rest.body import reject
from app.rest.browser_pages import PAGE_HEADERS, BrowserPages
from app.rest.negotiation import prefers_page
from app.rest.paths import PathPolicy
from app.rest.responses import Header

API_KEY_HEADER = "X-API-Key"

_HEADER = API_KEY_HEADER.lower().encode()
_BLANKS = b" \t"
_CHALLENGE: Header = (b"www-authenticate", b'ApiKey realm="beer-model", header="X-API-Key"')


@dataclass(frozen=True)
class Access:
    """What decides on access."""

    guard: Guard
    """Checks keys, scopes and rates."""
    public_models: PublicModels
    """The models that can be called without a key."""


class ApiKeyMiddleware:
    """ASGI middleware that passes on calls with a valid key for the path, and calls to paths that need none."""

    def __init__(self, app: ASGIApp, access: Access, policy: PathPolicy, pages: BrowserPages | None = None) -> None:
        """Create the middleware.

        Args:
            app: The next application.
            access: Decides whether a call is allowed.
            policy: Knows which key a path requires.
            pages: Answer browsers instead of problems; by default there are none.
        """
        self._app = app
        self._guard = access.guard
        self._public_models = access.public_models
        self._policy = policy
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""
        if scope["type"] == "http":
            try:
                principal = self._authenticate(scope)
                required = self._policy.scope(scope["path"])
                if principal is not None and (principal.rate is not None or required not in principal.scopes):
                    send = await self._authorize(principal, required, scope["path"], send)
            except CallError as error:
                await self._reject(scope, receive, send, error)
                return
        await self._app(scope, receive, send)

    async def _reject(self, scope: Scope, receive: Receive, send: Send, error: CallError) -> None:
        path, problem_type, headers = scope["path"], problem_type_of(type(error)), _rejection_headers(error)
        formatter = self._policy.formatter(path)
        if self._pages is not None and prefers_page(scope):
            if path == "/" and self._pages.home is not None:
                await self._pages.home(scope, receive, send)
                return
            formatter = self._pages.formatter(scope)
            headers += PAGE_HEADERS
        await reject(scope, receive, send, problem_type, *headers, formatter=formatter)

    def _authenticate(self, scope: Scope) -> Principal | None:
        """Identify the caller.

        Returns:
            The caller; None if the path needs no key, and none was valid.

        Raises:
            CallError: If the path needs a valid key.
        """
        presented = _presented_key(scope)
        try:
            principal = self._guard.authenticate(presented)
        except NotAuthenticated:
            path = scope["path"]
            if self._policy.is_open(path) or self._public_models.allows(presented, self._policy.models(path)):
                return None
            raise self._rejection(scope, presented) from None
        scope["state"]["principal"] = principal
        return principal

    async def _authorize(self, principal: Principal, required: str, path: str, send: Send) -> Send:
        """Check the scope and count the call.

        Returns:
            The callable that sends the response, with the headers of the key's rate, if it has one.

        Raises:
            CallError: If the key lacks the scope or has exceeded its rate.
        """
        if self._policy.is_open(path):
            return send
        window = await self._guard.authorize(principal, required)
        return _with_headers(send, _rate_headers(window)) if window else send

    def _rejection(self, scope: Scope, presented: bytes | None) -> CallError:
        peer = scope.get("client")
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return self._guard.rejection(presented, peer[0] if peer else None, forwarded)


def _presented_key(scope: Scope) -> bytes | None:
    values = [value for name, value in scope["headers"] if name == _HEADER]
    if not values:
        return None
    # a proxy in front may take another one of several; blanks around a value are no part of it (RFC 9110, 5.5)
    return values[0].strip(_BLANKS) if len(values) == 1 else b""


def _rejection_headers(error: CallError) -> list[Header]:
    headers = _rate_headers(error)
    if isinstance(error, NotAuthenticated):
        headers.append(_CHALLENGE)
    elif isinstance(error, Limited):
        headers.append((b"retry-after", b"%d" % error.seconds))
    return headers


def _rate_headers(rate: Window | CallError) -> list[Header]:
    return [(name.encode(), value.encode()) for name, value in rate_limit_headers(rate)]


def _with_headers(send: Send, headers: Iterable[Header]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] += headers
        await send(message)

    return send_with_headers
