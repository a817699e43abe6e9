"""The routes for the model, the metrics and the health, and FastAPI's errors as problems."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import TypedDict

from app.bundle.manifest import PublicManifest
from app.domains.validation import problem_of
from app.errors import CallError, InputError, ModelNotReady, Problem
from app.models.manager import ModelManager
from app.problem_types import (
    INTERNAL_ERROR,
    INVALID_INPUT,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    NOT_READY,
    ProblemType,
    problem_type_of,
)
from app.rest.browser_pages import PAGE_HEADERS, BrowserPages
from app.rest.negotiation import prefers_page
from app.rest.openapi import KEY_PROBLEMS, KEYED, MODEL_PROBLEMS, problem_responses
from app.rest.paths import METRICS_PATH, SECURITY_TXT_PATH
from app.rest.problems import ProblemResponse
from app.rest.responses import Header, respond
from app.telemetry.exemplars import Exemplars
from app.telemetry.exposition import (
    CONTENT_TYPE,
    OPEN_METRICS,
    OPEN_METRICS_TYPE,
    exposition,
    open_metrics,
)
from app.telemetry.metrics import Registry

_SECURITY_TXT_AGE = timedelta(days=90)
"""Time for which a copy of ``security.txt`` counts as current."""
_BY_STATUS = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 400: MALFORMED_REQUEST}


class Health(TypedDict):
    """State of the process."""

    status: Literal["live", "ready"]


def add_model(router: FastAPI, manager: ModelManager) -> None:
    """Add ``GET /model``.

    Args:
        router: The FastAPI application.
        manager: Owns the loaded models.
    """

    @router.get(
        "/model",
        dependencies=KEYED,
        response_model=PublicManifest,
        responses=problem_responses(*MODEL_PROBLEMS, INVALID_INPUT),
        operation_id="model",
        summary="Describe a model",
    )
    async def model(name: Annotated[str, Query(max_length=64)] = manager.names[0]) -> PublicManifest:
        """The public part of the manifest: inputs with units and trained ranges, outputs, metrics, training data."""
        return manager.get(name).manifest


def add_metrics(router: FastAPI, metrics: Registry, exemplars: Exemplars | None = None) -> None:
    """Add ``GET /metrics``.

    Args:
        router: The FastAPI application.
        metrics: The process's metrics.
        exemplars: Traced requests; with them, the format of OpenMetrics is sent to clients that accept it.
    """

    @router.get(
        METRICS_PATH,
        dependencies=KEYED,
        response_class=PlainTextResponse,
        responses=problem_responses(*KEY_PROBLEMS),
        operation_id="metrics",
        summary="Metrics for Prometheus",
    )
    def metrics_endpoint(request: Request) -> Response:
        """Totals of all workers in the text format 0.0.4; see docs/operations.md. Requires the scope `metrics`."""
        content, media_type = _metrics(metrics, exemplars, request.headers.get("accept", ""))
        return Response(content, media_type=media_type)  # runs in a thread: it takes milliseconds


def metrics_app(metrics: Registry, exemplars: Exemplars | None = None) -> ASGIApp:
    """Return an ASGI application that answers every path with the metrics and requires no key.

    Args:
        metrics: The process's metrics.
        exemplars: See `add_metrics`.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        content, media_type = _metrics(metrics, exemplars, accepted)
        await respond(send, 200, content, media_type.encode())

    return application


def _metrics(metrics: Registry, exemplars: Exemplars | None, accepted: str) -> tuple[bytes, str]:
    """Return the metrics and their media type, by the header Accept."""
    if exemplars is not None and OPEN_METRICS in accepted:
        return open_metrics(metrics, exemplars), OPEN_METRICS_TYPE
    return exposition(metrics), CONTENT_TYPE


def add_health(router: FastAPI, is_ready: Callable[[], bool]) -> None:
    """Add ``GET /health/live`` and ``GET /health/ready``.

    Args:
        router: The FastAPI application.
        is_ready: Whether the models can answer and the process is not shutting down.
    """

    @router.get("/health/live", operation_id="live", summary="Whether the process responds")
    async def live() -> Health:
        return {"status": "live"}

    @router.get(
        "/health/ready",
        operation_id="ready",
        summary="Whether the models can answer",
        responses=problem_responses(NOT_READY),
    )
    async def ready() -> Health:
        if not is_ready():
            raise ModelNotReady
        return {"status": "ready"}


def add_security_txt(router: FastAPI, contact: str) -> None:
    """Add ``GET /.well-known/security.txt`` (RFC 9116).

    Args:
        router: The FastAPI application.
        contact: URI at which to report a vulnerability.
    """

    @router.get(
        SECURITY_TXT_PATH,
        response_class=PlainTextResponse,
        operation_id="security_txt",
        summary="Where to report a vulnerability",
    )
    async def security_txt() -> Response:
        expires = datetime.now(UTC).replace(microsecond=0) + _SECURITY_TXT_AGE
        return PlainTextResponse(f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT%H:%M:%SZ}\n")


def add_error_handlers(router: FastAPI, pages: BrowserPages) -> None:
    """Send the errors of FastAPI and of the operations as problems.

    Args:
        router: The FastAPI application.
        pages: Answer browsers instead of problems.
    """

    def respond_to(
        request: Request, problem_type: ProblemType, headers: Sequence[Header] = (), problems: Sequence[Problem] = ()
    ) -> Response:
        if prefers_page(request.scope):
            return ProblemResponse(problem_type, (*headers, *PAGE_HEADERS), problems, pages.formatter(request.scope))
        return ProblemResponse(problem_type, headers, problems)

    @router.exception_handler(HTTPException)
    async def http_exception(request: Request, error: HTTPException) -> Response:
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        if (b"allow", b"GET") in headers:
            headers = [(b"allow", b"GET, HEAD")]  # the application answers HEAD as GET
        return respond_to(request, _BY_STATUS[error.status_code], headers)

    @router.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> Response:
        problems = [problem_of(item["loc"], item["type"], item["msg"]) for item in error.errors()]
        return respond_to(request, INVALID_INPUT, problems=problems)

    @router.exception_handler(CallError)
    async def call_error(request: Request, error: CallError) -> Response:
        problems = error.problems if isinstance(error, InputError) else ()
        return respond_to(request, problem_type_of(type(error)), problems=problems)

    @router.exception_handler(Exception)
    async def internal_error(request: Request, error: Exception) -> Response:
        return respond_to(request, INTERNAL_ERROR)  # Starlette raises the exception again for the access log
