"""The access-log middleware: gives each request an id, logs and counts it, and turns exceptions into problems.

The middleware also adds the headers that every response has.
"""

import logging
import time
from collections.abc import Iterable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problem_types import INTERNAL_ERROR
from app.rest.body import ClientGone
from app.rest.problems import PROBLEM, REFUSED, send_problem
from app.rest.request_metrics import RequestMetrics
from app.rest.responses import Header
from app.telemetry.calls import CallNotes, CallWatch
from app.telemetry.ids import RequestIds
from app.telemetry.logs import RequestLog
from app.telemetry.trace import Trace, enter, read_trace

CLIENT_GONE = 499
"""Status in the log if the client closed the connection before the response; nothing is sent."""

_NO_STORE: Header = (b"cache-control", b"no-store")
_NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
_log = logging.getLogger(__name__)


class AccessLogMiddleware:
    """ASGI middleware, the outermost."""

    def __init__(
        self,
        app: ASGIApp,
        log: RequestLog,
        metrics: RequestMetrics,
        paths: Iterable[str] = (),
        request_ids: RequestIds | None = None,
        watch: CallWatch | None = None,
    ) -> None:
        """Create the middleware.

        Args:
            app: The next application.
            log: The access log.
            metrics: Counts the requests.
            paths: Paths of the routes, for requests that are rejected before they reach their route.
            request_ids: Assigns the ids.
            watch: Sees every request, if something wants to.
        """
        self._app = app
        self._log = log
        self._metrics = metrics
        self._paths = frozenset(paths)
        self._request_ids = request_ids or RequestIds()
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, clock = time.time(), time.perf_counter()
        request_id, trace = self._ids(scope["headers"])
        status = CLIENT_GONE

        async def send_recorded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(message, request_id)
            await send(message)

        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        notes: CallNotes | None = None
        if self._watch is None:
            enter(trace)
        else:
            notes = self._watch.begin(trace)
            trace = notes.trace
        self._metrics.began()
        try:
            await self._app(scope, receive, send_recorded)
        except ClientGone:
            pass
        except Exception:  # the client gets a problem, and the log the traceback
            _log.exception("request %s failed", request_id.decode())
            if status == CLIENT_GONE:
                await send_problem(send_recorded, INTERNAL_ERROR)
        finally:
            seconds = time.perf_counter() - clock
            if status == CLIENT_GONE and REFUSED in state:
                status = state[REFUSED].http_status
                self._metrics.refused(state[REFUSED].code)
            self._record(scope, status, started, seconds, request_id, trace, notes)

    def _complete(self, start: Message, request_id: bytes) -> None:
        """Count a problem, and add the headers that every response has."""
        if PROBLEM in start:
            self._metrics.refused(start.pop(PROBLEM))
        headers = start["headers"]
        if b"cache-control" not in dict(headers):
            headers.append(_NO_STORE)
        headers += (_NO_SNIFFING, (b"x-request-id", request_id))

    def _record(
        self,
        scope: Scope,
        status: int,
        started: float,
        seconds: float,
        request_id: bytes,
        trace: Trace | None,
        notes: CallNotes | None,
    ) -> None:
        state = scope["state"]
        route = state.get("route") or self._route(scope)
        self._metrics.ended(route, scope["method"], status, seconds)
        principal = state.get("principal")
        key_id = principal.id if principal else ""
        if notes is not None and self._watch is not None:
            notes.method, notes.route, notes.status = scope["method"], route, status
            notes.started, notes.seconds, notes.key_id = started, seconds, key_id
            self._watch.end(notes)
        self._log.record(
            request_id=request_id.decode(),
            method=scope["method"],
            route=route,
            status=status,
            started=started,
            seconds=seconds,
            key_id=key_id,
            traceparent=trace.traceparent if trace else "",
        )

    def _route(self, scope: Scope) -> str:
        template: str = getattr(scope.get("route"), "path", "")
        return template or (scope["path"] if scope["path"] in self._paths else "")

    def _ids(self, headers: Sequence[Header]) -> tuple[bytes, Trace | None]:
        """Return the request's id, the client's own if it is valid, and its trace, if it is part of one."""
        request_id = b""
        traced = False
        for name, value in headers:
            if name == b"x-request-id":
                request_id = value
            elif name == b"traceparent":
                traced = True
        return self._request_ids.of(request_id), read_trace(headers) if traced else None
