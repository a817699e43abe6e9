"""The record: gives each request an id, logs it in one line, and turns what nobody caught into a problem.

It also adds the headers that every answer has.
"""

import logging
import re
import secrets
import time
from itertools import count

from app.rest.asgi import App, Header, Message, Receive, Scope, Send
from app.rest.body import ClientGone
from app.rest.problems import FAULT, send_problem
from app.telemetry.logs import RequestLog

CLIENT_GONE = 499
"""Status in the log for a client that hung up; nothing is sent."""

_NO_STORE: Header = (b"cache-control", b"no-store")
_NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_log = logging.getLogger(__name__)


class Record:
    """ASGI middleware, the outermost."""

    def __init__(self, app: App, log: RequestLog) -> None:
        """Args:
        app: What lies behind.
        log: Takes the lines.
        """
        self._app = app
        self._log = log
        self._prefix = secrets.token_hex(6)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        moment, clock = time.time(), time.perf_counter()
        request_id = self._request_id(scope)
        status = CLIENT_GONE

        async def recorded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_NO_STORE)
                headers += (_NO_SNIFFING, (b"x-request-id", request_id))
            await send(message)

        scope.setdefault("state", {})
        try:
            await self._app(scope, receive, recorded)
        except ClientGone:
            pass
        except Exception:  # the last resort: the client gets a problem, the log the traceback
            _log.exception("request %s failed", request_id.decode())
            if status == CLIENT_GONE:
                await send_problem(recorded, FAULT)
        finally:
            route = scope["state"].get("route") or getattr(scope.get("route"), "path", "")
            self._log.record(
                request_id=request_id.decode(),
                method=scope["method"],
                route=route,
                status=status,
                started=moment,
                seconds=time.perf_counter() - clock,
            )

    def _request_id(self, scope: Scope) -> bytes:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _SANE.fullmatch(value):
                sane: bytes = value
                return sane
        return f"{self._prefix}-{next(self._numbers)}".encode()
