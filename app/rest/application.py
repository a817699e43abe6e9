"""The REST application: record, gate and table around FastAPI's router."""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.access.guard import Limits
from app.access.keys import KeyRing
from app.access.public import PublicModels
from app.domains.api import DomainApi
from app.lifecycle import Lifecycle
from app.models.manager import ModelManager
from app.oip.data_plane import DataPlane
from app.problem_types import ProblemType
from app.rest.access_log import Record
from app.rest.api_key import ApiKeyMiddleware
from app.rest.oip.application import OipApplication, tell
from app.rest.oip.routes import EndpointRoute
from app.rest.openapi import KEYED, OPERATION_PROBLEMS, described
from app.rest.operations import BODY_LIMITS, OperationRoute
from app.rest.paths import Paths, is_v2, scope_of
from app.rest.problems import problem_told
from app.rest.request_metrics import RequestMetrics
from app.rest.routes import add_docs, add_health, add_metrics, add_model, add_problems
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.logs import RequestLog

DESCRIPTION = """\
A beer's bitterness (IBU) from its recipe, with an interval that holds and warnings where it may not.

Press **Authorize** and enter the API key (`API_KEY` in `.env`); then try `POST /predict`.
"""


class RestApplication:
    """The whole door as one ASGI application."""

    def __init__(
        self,
        manager: ModelManager,
        domains: Iterable[DomainApi],
        keys: KeyRing,
        log: RequestLog,
        docs_enabled: bool = True,
        thread_pool: BoundedThreadPool | None = None,
        body_limits: Mapping[str, int] = BODY_LIMITS,
        limits: Limits | None = None,
        lifecycle: Lifecycle | None = None,
        public: PublicModels | None = None,
        plane: DataPlane | None = None,
        remote: Collection[str] = (),
        health_only: bool = False,
    ) -> None:
        """Initialize the rest application.

        Args:
            manager: The one way in to models.
            domains: Their operations become routes.
            keys: Who may call.
            log: Takes a line a request.
            docs_enabled: Whether /docs and /openapi.json are there.
            thread_pool: Bounds what takes long; by default as the settings do.
            body_limits: Most bytes of a body, by the operation's size.
            limits: What known keys may do and unknown ones may try; by default as much as they like.
            lifecycle: Starts and stops with the ASGI lifespan; knows whether the process is ready.
            public: Models that answer without a key; none by default.
            plane: Answers the Open Inference Protocol; by default without the domains' checks.
            remote: Models that another machine runs: their operations wait beside the event loop.
            health_only: Whether nothing is here but /health/* and /metrics: another door has the models.
        """
        self._manager = manager
        self.thread_pool = thread_pool or BoundedThreadPool()
        self.lifecycle = lifecycle or Lifecycle(lambda: manager.ready)
        domains, public = list(domains), public or PublicModels()
        self._v2: OipApplication | None = None
        if not health_only:
            plane = plane or DataPlane(manager, self.thread_pool)
            self._v2 = OipApplication(plane, self.thread_pool, lambda: self.ready, body_limits["many"])
        with _no_pydantic_1():
            operations = _operations(domains, self.thread_pool, body_limits, public, remote)
            self.router = self._router(operations, docs_enabled)
        self._direct = {("POST", o.handler.operation.path): o.handler for o in operations}
        known = Paths(domains, docs_enabled)
        gate = ApiKeyMiddleware(
            self._dispatch,
            keys,
            known.is_open,
            scope_of,
            limits,
            lambda presented, path: public.allows(presented, known.models(path)),
            lambda path: tell if is_v2(path) else problem_told,
        )
        self._counts = RequestMetrics(manager.metrics)
        paths = [getattr(route, "path", "") for route in self.router.routes]
        self._record = Record(gate, log, self._counts, paths)

    def _router(self, operations: Iterable[OperationRoute], docs_enabled: bool) -> FastAPI:
        router = FastAPI(
            title="Beer Model",
            version=__version__,
            description=DESCRIPTION,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
        )
        router.router.routes.extend(operations)
        if self._v2 is not None:
            router.router.routes.extend(EndpointRoute(endpoint, self._v2) for endpoint in self._v2.endpoints)
            add_model(router, self._manager)
        add_metrics(router, self._manager.metrics)
        add_health(router, lambda: self.ready)
        add_problems(router)
        if docs_enabled:
            add_docs(router)
        return router

    def count_unread(self, problem_type: ProblemType) -> None:
        """The server has refused a request in a way that this door never heard of."""
        self._counts.unread(problem_type.http_status, problem_type.code)

    @property
    def ready(self) -> bool:
        """Whether new requests are welcome; see `Lifecycle.ready`."""
        return self.lifecycle.ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._record(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Start and stop the lifecycle with the server; see the ASGI specification."""
        await receive()
        self.lifecycle.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.lifecycle.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Straight to an operation's handler by exact method and path; everything else through the router.

        The router holds the same handlers: this table only saves the way through Starlette's middleware.
        """
        app: ASGIApp = self.router
        if scope["type"] == "http":
            path = scope["path"]
            v2 = self._v2 if is_v2(path) else None
            app = self._direct.get((scope["method"], path)) or v2 or app
        await app(scope, receive, send)


@contextmanager
def _no_pydantic_1() -> Iterator[None]:
    """Keep FastAPI from importing pydantic.v1, 12 ms and 2 MB, to see whether a route's types are made with it."""
    found = sys.modules.get("pydantic.v1")
    sys.modules["pydantic.v1"] = found  # type: ignore[assignment]  # None: the import fails, which FastAPI allows for
    try:
        yield
    finally:
        if found is None:
            del sys.modules["pydantic.v1"]


def _operations(
    domains: Iterable[DomainApi],
    thread_pool: BoundedThreadPool,
    body_limits: Mapping[str, int],
    public: PublicModels,
    remote: Collection[str],
) -> list[OperationRoute]:
    return [
        OperationRoute(
            operation,
            thread_pool,
            body_limits,
            waits=any(name in remote for name in domain.models),
            dependencies=[] if public.covers(domain.models) else KEYED,
            responses=described(*OPERATION_PROBLEMS),
        )
        for domain in domains
        for operation in domain.operations
    ]
