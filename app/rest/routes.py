"""The routes beside the operations: the model, metrics, health and documentation; and FastAPI's errors in our words."""

import json
from collections.abc import Callable
from functools import cache
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.bundle.manifest import PublicManifest
from app.domains.validation import problem_of
from app.errors import CallError, ModelNotReady
from app.models.manager import ModelManager
from app.problem_types import (
    INTERNAL_ERROR,
    INVALID_INPUT,
    MALFORMED_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    NOT_READY,
    problem_type_of,
)
from app.rest.docs import add_docs_page
from app.rest.openapi import KEY_PROBLEMS, KEYED, MODEL_PROBLEMS, describe, described
from app.rest.paths import METRICS_PATH
from app.rest.problems import ProblemResponse
from app.rest.responses import respond
from app.telemetry.exposition import CONTENT_TYPE, exposition
from app.telemetry.metrics import Registry

_BY_STATUS = {404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 400: MALFORMED_REQUEST}


def add_model(router: FastAPI, manager: ModelManager) -> None:
    """Add ``GET /model``.

    Args:
        router: Gets the route.
        manager: Has the models.
    """

    @router.get(
        "/model",
        dependencies=KEYED,
        response_model=PublicManifest,
        response_model_exclude={"explanation"},  # the background is rows of the training data
        responses=described(*MODEL_PROBLEMS),
        operation_id="model",
        summary="What a model says of itself",
    )
    async def model(name: Annotated[str, Query(max_length=64)] = manager.names[0]) -> PublicManifest:
        """The public part of a manifest: inputs with units and trained ranges, outputs, figures, data."""
        return manager.get(name).manifest


def add_metrics(router: FastAPI, metrics: Registry) -> None:
    """Add ``GET /metrics``.

    Args:
        router: Gets the route.
        metrics: What was counted.
    """

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


def metrics_app(metrics: Registry) -> ASGIApp:
    """An ASGI application that answers every path with the metrics, and asks for no key.

    Args:
        metrics: What was counted.
    """

    async def figures(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, exposition(metrics), CONTENT_TYPE.encode())

    return figures


def add_health(router: FastAPI, is_ready: Callable[[], bool]) -> None:
    """Add ``GET /health/live`` and ``GET /health/ready``.

    Args:
        router: Gets the routes.
        is_ready: Whether the models can answer and the program is not leaving.
    """

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


def add_docs(router: FastAPI) -> None:
    """Add ``/openapi.json`` and the page ``/docs`` that shows it.

    Args:
        router: Gets the routes, and is described.
    """

    @cache  # made when it is first asked for: it takes as long as an eighth of the whole start
    def document() -> bytes:
        return json.dumps(describe(router)).encode("ascii")

    @router.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:  # in a thread
        return Response(document(), media_type="application/json")

    add_docs_page(router)


def add_problems(router: FastAPI) -> None:
    """Word what FastAPI and the operations refuse as problems.

    Args:
        router: Gets the handlers.
    """

    @router.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return ProblemResponse(_BY_STATUS[error.status_code], headers)

    @router.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return ProblemResponse(
            INVALID_INPUT, problems=[problem_of(f["loc"], f["type"], f["msg"]) for f in error.errors()]
        )

    @router.exception_handler(CallError)
    async def failed(_: Request, error: CallError) -> Response:
        return ProblemResponse(problem_type_of(type(error)))

    @router.exception_handler(Exception)
    async def fault(_: Request, error: Exception) -> Response:
        return ProblemResponse(INTERNAL_ERROR)  # Starlette raises the error again, and the record logs it
