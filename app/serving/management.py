"""Management: health and metrics on a port of their own, served by a thread with its own event loop."""

import logging
import socket
import threading
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.problem_types import METHOD_NOT_ALLOWED, NOT_FOUND, NOT_READY
from app.rest.problems import send_problem, send_redirect
from app.rest.responses import respond
from app.serving.limits import ConnectionLimits
from app.serving.server import BoundedServer
from app.serving.sockets import address_of

_GRACE = 1.0
_SPARE_FILES = 8  # less than other connections leave, so that health checks get through
_log = logging.getLogger(__name__)


class ManagementApp:
    """Answers /health/live, /health/ready and /metrics without a key: access to the port is access to both."""

    def __init__(
        self,
        is_ready: Callable[[], bool],
        metrics: ASGIApp | None = None,
        is_live: Callable[[], bool] = lambda: True,
    ) -> None:
        """Initialize the application.

        Args:
            is_ready: Whether the program can answer predictions.
            metrics: ASGI application that answers GET /metrics.
            is_live: Whether the event loop turns, of the process that serves or of the supervisor.
        """
        self._is_ready = is_ready
        self._metrics = metrics
        self._is_live = is_live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope["path"]
        if not self._has(path):
            if not (self._has(path.removesuffix("/")) and await send_redirect(scope, send)):
                await send_problem(send, NOT_FOUND)
        elif scope["method"] not in ("GET", "HEAD"):
            await send_problem(send, METHOD_NOT_ALLOWED, headers=[(b"allow", b"GET, HEAD")])
        elif path == "/metrics" and self._metrics is not None:
            await self._metrics(scope, receive, send)
        elif path == "/health/live":
            if self._is_live():
                await respond(send, 200, b'{"status":"live"}')
            else:
                await respond(send, 503, b'{"status":"stalled"}')
        elif self._is_live() and self._is_ready():
            await respond(send, 200, b'{"status":"ready"}')
        else:
            await send_problem(send, NOT_READY)

    def _has(self, path: str) -> bool:
        return path in ("/health/live", "/health/ready") or (path == "/metrics" and self._metrics is not None)


class Management:
    """The thread that serves a `ManagementApp`."""

    def __init__(self, app: ASGIApp, listening: socket.socket, limits: ConnectionLimits) -> None:
        """Initialize the thread.

        Args:
            app: The application.
            listening: The listening socket.
            limits: What a connection may take.
        """
        self._listening = listening
        self._server = BoundedServer(app, limits, _GRACE, lifespan="off", spare_files=_SPARE_FILES)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="management", daemon=True)

    def start(self) -> None:
        """Start serving."""
        self._thread.start()
        _log.info("Management port http://%s", address_of(self._listening))

    def stop(self) -> None:
        """Stop at once, except for responses that are on their way."""
        self._server.should_exit = True
        self._thread.join(2 * _GRACE)
