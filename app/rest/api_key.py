"""The gate: checks the key before a byte of the body is read, and sends refusals."""

from collections.abc import Callable, Iterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.guard import Guard, Limits, rate_limit_headers
from app.access.keys import PREDICT, KeyRing, Principal
from app.access.rates import Window
from app.errors import CallError, Limited, NotAuthenticated
from app.problem_types import ProblemType, problem_type_of
from app.rest.body import drop_body, may_have_body
from app.rest.problems import Tell, problem_start, problem_told
from app.rest.responses import Header

API_KEY_HEADER = "X-API-Key"

_HEADER = API_KEY_HEADER.lower().encode()
_CHALLENGE: Header = (b"www-authenticate", b'ApiKey realm="beer-model", header="X-API-Key"')
_CLOSE: Header = (b"connection", b"close")


class ApiKeyMiddleware:
    """ASGI middleware: lets through whose key is for the route, and the open paths."""

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyRing,
        is_open: Callable[[str], bool],
        scope_of: Callable[[str], str] = lambda path: PREDICT,
        limits: Limits | None = None,
        is_public: Callable[[bytes | None, str], bool] = lambda presented, path: False,
        tell_of: Callable[[str], Tell] = lambda path: problem_told,
    ) -> None:
        """Initialize the api key middleware.

        Args:
            app: What lies behind.
            keys: The keys that are known.
            is_open: Whether a path needs no key.
            scope_of: Scope that a key needs for a path.
            limits: What known keys may do and unknown ones may try.
            is_public: Whether a path that is not open needs no key from a call that presented this; asked only where no
                known key came.
            tell_of: Words what is refused at a path.
        """
        self._app = app
        self._guard = Guard(keys, limits)
        self._is_open = is_open
        self._scope_of = scope_of
        self._tell_of = tell_of
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            presented = _presented(scope)
            refusal: CallError | None = None
            try:
                principal = self._guard.authenticate(presented)
            except NotAuthenticated:
                path = scope["path"]
                if not self._is_open(path) and not self._is_public(presented, path):
                    refusal = self._unknown(scope, presented)
            else:
                scope["state"]["principal"] = principal
                needed = self._scope_of(scope["path"])
                if principal.rate is not None or needed not in principal.scopes:
                    try:
                        send = await self._known(scope, principal, needed, send)
                    except CallError as error:
                        refusal = error
            if refusal is not None:
                problem_type, tell = problem_type_of(type(refusal)), self._tell_of(scope["path"])
                await refuse(scope, receive, send, problem_type, *_headers(refusal), tell=tell)
                return
        await self._app(scope, receive, send)

    def _unknown(self, scope: Scope, presented: bytes | None) -> CallError:
        peer = scope.get("client")
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return self._guard.rejection(presented, peer[0] if peer else None, forwarded)

    async def _known(self, scope: Scope, principal: Principal, needed: str, send: Send) -> Send:
        """Whoever is known may lack the scope or have had its calls; gives a send that tells what is left of them."""
        if self._is_open(scope["path"]):
            return send
        left = await self._guard.authorize(principal, needed)
        return _telling(send, left) if left else send


def _presented(scope: Scope) -> bytes | None:
    found = [value for name, value in scope["headers"] if name == _HEADER]
    if not found:
        return None
    return found[0] if len(found) == 1 else b""  # several could be read differently by whoever stands in front


def _headers(refusal: CallError) -> Iterator[Header]:
    if isinstance(refusal, NotAuthenticated):
        yield _CHALLENGE
    elif isinstance(refusal, Limited):
        yield b"retry-after", b"%d" % refusal.seconds
    yield from _rate(refusal)


def _rate(left: Window | CallError) -> Iterator[Header]:
    return ((name.encode(), value.encode()) for name, value in rate_limit_headers(left))


def _telling(send: Send, left: Window) -> Send:
    told = list(_rate(left))

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] += told
        await send(message)

    return telling


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    problem_type: ProblemType,
    *headers: Header,
    unread: bool = True,
    tell: Tell = problem_told,
) -> None:
    """Answer with a problem at once, though the body may not have been read, and close the connection.

    Args:
        scope: ASGI's.
        receive: ASGI's.
        send: ASGI's.
        problem_type: What is wrong.
        headers: More headers.
        unread: Whether more of the body may still come.
        tell: Words it.
    """
    body, media_type = tell(problem_type, ())
    await send(problem_start(problem_type, body, (*headers, _CLOSE), media_type))
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if unread and may_have_body(scope):
        await drop_body(receive)
    await send({"type": "http.response.body", "body": b""})
