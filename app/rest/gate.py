"""The gate: checks the key before a byte of the body is read, and sends refusals."""

from collections.abc import Callable

from app.access.keys import KeyRing
from app.errors import NotAuthenticated
from app.rest.asgi import App, Header, Message, Receive, Scope, Send, start
from app.rest.body import drop_body, may_have_body
from app.rest.problems import NO_KEY, PROBLEM_JSON, Kind, problem_body

API_KEY_HEADER = "X-API-Key"

_HEADER = API_KEY_HEADER.lower().encode()
_CHALLENGE: Header = (b"www-authenticate", b'ApiKey realm="beer-model", header="X-API-Key"')
_CLOSE: Header = (b"connection", b"close")


class KeyGate:
    """ASGI middleware: lets through who has a key, and the open paths."""

    def __init__(self, app: App, keys: KeyRing, is_open: Callable[[str], bool]) -> None:
        """Args:
        app: What lies behind.
        keys: The keys that are known.
        is_open: Whether a path needs no key.
        """
        self._app = app
        self._keys = keys
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            try:
                scope["state"]["principal"] = self._keys.authenticate(_presented(scope))
            except NotAuthenticated:
                if not self._is_open(scope["path"]):
                    await refuse(scope, receive, send, NO_KEY, _CHALLENGE)
                    return
        await self._app(scope, receive, send)


def _presented(scope: Scope) -> bytes | None:
    found = [value for name, value in scope["headers"] if name == _HEADER]
    return found[0] if len(found) == 1 else None  # several could be read differently by whoever stands in front


async def refuse(
    scope: Scope, receive: Receive, send: Send, kind: Kind, *headers: Header, unread: bool = True
) -> None:
    """Answer with a problem at once, though the body may not have been read, and close the connection.

    Args:
        scope: ASGI's.
        receive: ASGI's.
        send: ASGI's.
        kind: What is wrong.
        headers: More headers.
        unread: Whether more of the body may still come.
    """
    body = problem_body(kind)
    opening: Message = start(kind.status, body, PROBLEM_JSON, (*kind.headers, *headers, _CLOSE))
    await send(opening)
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if unread and may_have_body(scope):
        await drop_body(receive)
    await send({"type": "http.response.body", "body": b""})
