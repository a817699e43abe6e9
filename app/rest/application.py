"""The REST application: record, gate and table around FastAPI's router."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from app import __version__
from app.access.guard import Limits
from app.access.keys import ADMIN, METRICS, PREDICT, KeyRing
from app.access.public import PublicModels
from app.bundle.manifest import PublicManifest
from app.domains.face import Face
from app.domains.findings import problem_of
from app.errors import CallError, ModelNotReady
from app.inference.admission import Admission
from app.inference.dataplane import DataPlane
from app.inference.service import InferenceService
from app.rest.asgi import App, Receive, Scope, Send, respond
from app.rest.counts import RequestCounts
from app.rest.docs import add_docs_page
from app.rest.gate import KeyGate
from app.rest.openapi import KEYED, KEY_PROBLEMS, MODEL_PROBLEMS, OPERATION_PROBLEMS, describe, described
from app.rest.operations import BODY_LIMITS, OperationRoute
from app.rest.problems import (
    FAULT,
    INVALID,
    KINDS,
    MALFORMED,
    NO_METHOD,
    NO_ROUTE,
    NOT_READY,
    Kind,
    ProblemResponse,
    problem_told,
)
from app.rest.record import Record
from app.rest.v2.endpoints import ADMIN_PATH, OPEN_PATHS, PREFIX, V2Door, tell
from app.rest.v2.routes import EndpointRoute
from app.telemetry.exposition import CONTENT_TYPE, exposition
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry

DESCRIPTION = """\
A beer's bitterness (IBU) from its recipe, with an interval that holds and warnings where it may not.

Press **Authorize** and enter the API key (`API_KEY` in `.env`); then try `POST /predict`.
"""
METRICS_PATH = "/metrics"
PROTOCOL_MODELS = "/v2/models/"
"""What stands before a model's name in the paths of the Open Inference Protocol."""
_BY_STATUS = {404: NO_ROUTE, 405: NO_METHOD, 400: MALFORMED}


class RestDoor:
    """The whole door as one ASGI application."""

    def __init__(
        self,
        service: InferenceService,
        faces: Iterable[Face],
        keys: KeyRing,
        log: RequestLog,
        docs_enabled: bool = True,
        admission: Admission | None = None,
        body_limits: Mapping[str, int] = BODY_LIMITS,
        limits: Limits | None = None,
        begin: Callable[[], None] | None = None,
        public: PublicModels | None = None,
        plane: DataPlane | None = None,
        remote: Collection[str] = (),
        health_only: bool = False,
    ) -> None:
        """Args:
        service: The one way in to models.
        faces: Their operations become routes.
        keys: Who may call.
        log: Takes a line a request.
        docs_enabled: Whether /docs and /openapi.json are there.
        admission: Bounds what takes long; by default as the settings do.
        body_limits: Most bytes of a body, by the operation's size.
        limits: What known keys may do and unknown ones may try; by default as much as they like.
        begin: Called once, in the process that serves, before anything is answered.
        public: Models that answer without a key; none by default.
        plane: Answers the Open Inference Protocol; by default without the domains' checks.
        remote: Models that another machine runs: their operations wait beside the event loop.
        health_only: Whether nothing is here but /health/* and /metrics: another door has the models.
        """
        self.router = FastAPI(
            title="Beer Model",
            version=__version__,
            description=DESCRIPTION,
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
        )
        self._service = service
        self.admission = admission or Admission()
        self.retiring = False
        """Whether the program is leaving: it answers, but is not ready for more."""
        faces, public = list(faces), public or PublicModels()
        routes = [
            OperationRoute(
                operation,
                self.admission,
                body_limits,
                waits=any(name in remote for name in face.models),
                dependencies=[] if public.covers(face.models) else KEYED,
                responses=described(*OPERATION_PROBLEMS),
            )
            for face in faces
            for operation in face.operations
        ]
        self.router.router.routes.extend(routes)
        self._v2: App = self.router
        if not health_only:
            plane = plane or DataPlane(service, self.admission, {})
            self._v2 = v2 = V2Door(plane, self.admission, lambda: self.ready, body_limits["many"])
            self.router.router.routes.extend(EndpointRoute(endpoint, v2) for endpoint in v2.endpoints)
            _add_model(self.router, service)
        _add_metrics(self.router, service.metrics)
        _add_health(self.router, lambda: self.ready)
        _add_problems(self.router)
        if docs_enabled:
            _add_docs(self.router)
        self._direct: dict[tuple[str, str], App] = {("POST", r.handler.operation.path): r.handler for r in routes}
        open_paths = OPEN_PATHS | {"/docs", "/openapi.json"} if docs_enabled else OPEN_PATHS
        open_prefixes = ("/health/", "/docs/assets/") if docs_enabled else ("/health/",)
        answering = _answering(faces)
        gate = KeyGate(
            self._dispatch,
            keys,
            lambda path: path in open_paths or path.startswith(open_prefixes),
            _scope_of,
            limits,
            lambda presented, path: public.admits(presented, answering(path)),
            lambda path: tell if _is_v2(path) else problem_told,
        )
        paths = (getattr(route, "path", "") for route in self.router.routes)
        self._counts = RequestCounts(service.metrics)
        self._record = Record(gate, log, self._counts, paths)
        self._begin = begin
        self._app: App = self._first if begin else self._record

    def retire(self) -> None:
        """Be ready no more, and answer on."""
        self.retiring = True

    def count_unread(self, kind: Kind) -> None:
        """The server has refused a request in a way that this door never heard of."""
        self._counts.unread(kind.status, kind.code)

    @property
    def ready(self) -> bool:
        """Whether the models can answer and the program is not leaving."""
        return self._service.ready and not self.retiring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._app(scope, receive, send)

    async def _first(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = self._record
        if self._begin:
            self._begin()
        await self._record(scope, receive, send)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Straight to an operation's handler by exact method and path; everything else through the router.

        The router holds the same handlers: this table only saves the way through Starlette's middleware.
        """
        app: App = self.router
        if scope["type"] == "http":
            path = scope["path"]
            app = self._direct.get((scope["method"], path)) or (self._v2 if _is_v2(path) else app)
        await app(scope, receive, send)


def _is_v2(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _scope_of(path: str) -> str:
    if path == METRICS_PATH:
        return METRICS
    return ADMIN if path.startswith(PREFIX) and ADMIN_PATH.fullmatch(path) else PREDICT


def _answering(faces: Iterable[Face]) -> Callable[[str], Iterable[str]]:
    """The models that may answer a path; none where it is not a model's."""
    of_operations = {operation.path: face.models for face in faces for operation in face.operations}

    def answering(path: str) -> Iterable[str]:
        of_protocol = path.removeprefix(PROTOCOL_MODELS) if path.startswith(PROTOCOL_MODELS) else ""
        return of_operations.get(path) or of_protocol.split("/", 1)[:1]

    return answering


def _add_model(router: FastAPI, service: InferenceService) -> None:
    @router.get(
        "/model",
        dependencies=KEYED,
        response_model=PublicManifest,
        response_model_exclude={"explanation"},  # the background is rows of the training data
        responses=described(*MODEL_PROBLEMS),
        operation_id="model",
        summary="What a model says of itself",
    )
    async def model(name: Annotated[str, Query(max_length=64)] = service.names[0]) -> PublicManifest:
        """The public part of a manifest: inputs with units and trained ranges, outputs, figures, data."""
        return service.predictor(name).manifest


def _add_metrics(router: FastAPI, metrics: Registry) -> None:
    @router.get(
        METRICS_PATH,
        dependencies=KEYED,
        response_class=PlainTextResponse,
        responses=described(*KEY_PROBLEMS),
        operation_id="metrics",
        summary="What the service has done, for Prometheus",
    )
    def figures() -> Response:
        """Totals of all workers in the text format 0.0.4; docs/operations.md has them all. Scope `metrics`."""
        return Response(exposition(metrics), media_type=CONTENT_TYPE)  # in a thread: it takes milliseconds


def metrics_app(metrics: Registry) -> App:
    """An ASGI application that answers every path with the metrics, and asks for no key.

    Args:
        metrics: What was counted.
    """

    async def figures(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, exposition(metrics), CONTENT_TYPE.encode())

    return figures


def _add_health(router: FastAPI, is_ready: Callable[[], bool]) -> None:
    @router.get("/health/live", operation_id="live", summary="Whether the process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get(
        "/health/ready", operation_id="ready", summary="Whether the models can answer", responses=described(NOT_READY)
    )
    async def ready() -> dict[str, str]:
        if not is_ready():
            raise ModelNotReady
        return {"status": "ready"}


def _add_docs(router: FastAPI) -> None:
    @cache  # made when it is first asked for: it takes as long as an eighth of the whole start
    def document() -> bytes:
        return json.dumps(describe(router)).encode("ascii")

    @router.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:  # in a thread
        return Response(document(), media_type="application/json")

    add_docs_page(router)


def _add_problems(router: FastAPI) -> None:
    @router.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return ProblemResponse(_BY_STATUS[error.status_code], headers)

    @router.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return ProblemResponse(INVALID, problems=[problem_of(f["loc"], f["type"], f["msg"]) for f in error.errors()])

    @router.exception_handler(CallError)
    async def failed(_: Request, error: CallError) -> Response:
        return ProblemResponse(KINDS[type(error)])

    @router.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        return ProblemResponse(FAULT)  # Starlette raises the error again, and the record logs it
