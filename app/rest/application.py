"""The REST API as one ASGI application: middleware and a table of handlers around FastAPI's router."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.domains.api import DomainApi
from app.lifecycle import Lifecycle
from app.models.manager import ModelManager
from app.oip.data_plane import DataPlane
from app.problem_types import ProblemType
from app.rest.access_log import AccessLogMiddleware
from app.rest.api_key import Access, ApiKeyMiddleware
from app.rest.browser_pages import DOCS_PATH, BrowserPages
from app.rest.docs import add_docs
from app.rest.listings import add_listing
from app.rest.negotiation import prefers_page
from app.rest.oip.application import OipApplication
from app.rest.oip.routes import add_oip
from app.rest.operations import BODY_LIMITS, OperationHandler, add_operation
from app.rest.paths import FEEDBACK_PATH, PathPolicy, is_v2
from app.rest.problems import send_redirect
from app.rest.request_metrics import RequestMetrics
from app.rest.responses import Header, without_body
from app.rest.root_path import check_root_path, without_root_path
from app.rest.routes import add_error_handlers, add_health, add_metrics, add_model, add_security_txt
from app.runtime.memory_budget import MemoryBudget
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.calls import CallWatch
from app.telemetry.exemplars import Exemplars
from app.telemetry.ids import EnteredRequestIds, RequestIds
from app.telemetry.logs import RequestLog
from app.traffic.traffic import Traffic

if TYPE_CHECKING:
    from app.rest.cors import AllowedOrigins
    from app.rest.feedback import FeedbackHandler

DESCRIPTION = """\
A beer's bitterness (IBU) from its recipe, with an interval that holds and warnings where it may not.

Press **Authorize** and enter the API key (`API_KEY` in `.env`); then try `POST /predict`.
"""


@dataclass(frozen=True)
class Backend:
    """What the routes call."""

    manager: ModelManager
    """Owns the loaded models."""
    domains: Sequence[DomainApi]
    """The domains whose operations become routes."""
    data_plane: DataPlane
    """Answers the Open Inference Protocol."""
    thread_pool: BoundedThreadPool
    """Runs calls that take long."""
    memory_budget: MemoryBudget = field(default_factory=MemoryBudget)
    """Limits what requests in progress hold together."""
    traffic: Traffic = field(default_factory=Traffic)
    """Knows which versions are tried."""


@dataclass(frozen=True)
class RestOptions:
    """What can be set for the REST API."""

    docs_enabled: bool = True
    """Whether ``/docs`` and ``/openapi.json`` exist."""
    page_folder: Path | None = None
    """Folder of the brewer's page, which browsers get at ``/``; None: there is no page."""
    security_contact: str = ""
    """Where to report a vulnerability, for ``security.txt``; empty: there is no such file."""
    health_only: bool = False
    """Whether only ``/health/*`` and ``/metrics`` exist, because models are served through gRPC alone."""
    body_limits: Mapping[str, int] = field(default_factory=lambda: BODY_LIMITS)
    """Maximum bytes of a body, by the operation's size."""
    remote_models: Collection[str] = ()
    """Models that a model server runs. Their operations never run in the event loop."""
    root_path: str = ""
    """Prefix under which a proxy publishes the API, such as ``/beer``. A prefix in the ASGI scope has priority."""
    cors_origins: Collection[str] = ()
    """Origins of web pages that may call the API; none by default."""
    names_requests: bool = False
    """Whether a part has to know whose rows a model answers; see `app.telemetry.ids`."""
    feedback: "FeedbackHandler | None" = None
    """Takes labels; None: there is no ``/feedback``."""
    watch: CallWatch | None = None
    """Sees every request, if something wants to."""
    exemplars: Exemplars | None = None
    """Traced requests, which ``/metrics`` names in the format of OpenMetrics."""


class RestApplication:
    """The REST API."""

    def __init__(
        self,
        backend: Backend,
        access: Access,
        log: RequestLog,
        lifecycle: Lifecycle,
        options: RestOptions | None = None,
    ) -> None:
        """Create the REST API.

        Args:
            backend: What the routes call.
            access: Decides which calls are allowed.
            log: The access log.
            lifecycle: Tells whether the process is ready; starts and stops with the ASGI lifespan.
            options: See `RestOptions`.

        Raises:
            SettingsError: If a route begins as the root path does.
        """
        options = options or RestOptions()
        self._lifecycle = lifecycle
        self._root_path = options.root_path
        self._origins = _allowed_origins(options.cors_origins)
        self._watch = options.watch
        self._oip = None if options.health_only else _oip_application(backend, lifecycle, options)
        handlers = _operation_handlers(backend, options)
        self._handlers: dict[tuple[str, str], ASGIApp] = {
            ("POST", handler.operation.path): handler for handler in handlers
        }
        self._metrics = RequestMetrics(backend.manager.metrics)
        policy = PathPolicy(
            backend.domains,
            options.docs_enabled,
            bool(options.security_contact),
            options.page_folder is not None,
            options.feedback is not None,
        )
        self.router = FastAPI(
            title="Beer Model",
            version=__version__,
            description=DESCRIPTION,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
        )
        for handler in handlers:
            is_public = access.public_models.covers(policy.models(handler.operation.path))
            add_operation(self.router, handler, is_public)
        for listing in (each for domain in backend.domains for each in domain.listings):
            add_listing(self.router, listing)
        if options.feedback is not None:
            self._handlers["POST", FEEDBACK_PATH] = options.feedback
            options.feedback.add_route(self.router)
        if self._oip is not None:
            add_oip(self.router, self._oip)
            add_model(self.router, backend.manager)
        add_metrics(self.router, backend.manager.metrics, options.exemplars)
        add_health(self.router, lambda: lifecycle.ready)
        if options.security_contact:
            add_security_txt(self.router, options.security_contact)
        if options.docs_enabled:
            add_docs(self.router, options.page_folder is not None)
        folder, limit = options.page_folder, options.body_limits["one"]
        page = _add_page(self.router, folder, limit) if folder is not None else None
        self._paths = frozenset(getattr(route, "path", "") for route in self.router.routes)
        pages = BrowserPages(options.docs_enabled, self._paths, page)
        self._page = page
        self.has_page = page is not None
        """Whether browsers get the brewer's page at ``/``."""
        add_error_handlers(self.router, pages)
        if options.root_path:
            check_root_path(options.root_path, self._paths)
        inner = ApiKeyMiddleware(self._dispatch, access, policy, pages)
        self._middleware = self._with_middleware(inner, log, options.names_requests)

    def _with_middleware(self, app: ASGIApp, log: RequestLog, names_requests: bool) -> ASGIApp:
        """Return an application behind the access log and, where pages may call it, CORS."""
        request_ids = EnteredRequestIds() if names_requests else RequestIds()
        if self._origins is None:
            return AccessLogMiddleware(app, log, self._metrics, self._paths, request_ids, self._watch)
        from app.rest.cors import CorsMiddleware, PreflightMiddleware

        app = PreflightMiddleware(app, self._origins)
        app = AccessLogMiddleware(app, log, self._metrics, self._paths, request_ids, self._watch)
        return CorsMiddleware(app, self._origins)

    def cors_headers(self, headers: Sequence[Header]) -> list[Header]:
        """Return the CORS headers of a response to a request with these headers, which the server rejected itself."""
        return [] if self._origins is None else self._origins.response_headers(headers)

    def count_unread(self, problem_type: ProblemType) -> None:
        """Count a request that the server rejected before it reached this application."""
        self._metrics.unread(problem_type.http_status, problem_type.code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            root_path = scope.get("root_path") or self._root_path
            if root_path:
                scope = without_root_path(scope, root_path)
            await self._middleware(scope, receive, without_body(send) if scope.get("method") == "HEAD" else send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start and stop the lifecycle with the server; see the ASGI specification."""
        await receive()
        self._lifecycle.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._lifecycle.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call an operation's handler by exact method and path, and everything else through the router.

        The router has the same operations. The table saves the time of Starlette's middleware. HEAD is answered as GET;
        the server, or `__call__`, leaves out the body.
        """
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        app: ASGIApp | None = self._handlers.get((method, path))
        if app is None:
            if path == "/" and self._page is not None and prefers_page(scope):
                await self._page(scope, receive, send)
                return
            has_slash = path[-1:] == "/" and path not in self._paths  # the protocol has /v2/ as well as /v2
            if has_slash and path[:-1] in self._paths and await send_redirect(scope, send):
                return
            if method == "HEAD":
                scope = {**scope, "method": "GET"}
            app = self._oip if self._oip is not None and is_v2(path) else self.router
        await app(scope, receive, send)


def _allowed_origins(origins: Collection[str]) -> "AllowedOrigins | None":
    if not origins:
        return None
    from app.rest.cors import AllowedOrigins  # imported only where pages of other origins may call

    return AllowedOrigins(origins)


def _add_page(router: FastAPI, folder: Path, body_limit: int) -> ASGIApp:
    """Add the files of the brewer's page, and return the application that answers browsers at ``/``."""
    from app.rest.page import BrewersPage  # imported only where there is a page

    has_docs = any(getattr(route, "path", "") == DOCS_PATH for route in router.routes)
    page = BrewersPage(folder, body_limit, has_docs)
    page.add_files(router)
    return page


def _oip_application(backend: Backend, lifecycle: Lifecycle, options: RestOptions) -> OipApplication:
    return OipApplication(
        backend.data_plane,
        backend.thread_pool,
        lambda: lifecycle.ready,
        options.body_limits["many"],
        backend.memory_budget,
        backend.traffic,
    )


def _operation_handlers(backend: Backend, options: RestOptions) -> list[OperationHandler]:
    return [
        OperationHandler(
            operation,
            backend.thread_pool,
            options.body_limits,
            any(name in options.remote_models for name in domain.models),
            backend.memory_budget,
            backend.traffic,
            domain.models,
            options.names_requests or options.watch is not None,
        )
        for domain in backend.domains
        for operation in domain.operations
    ]
