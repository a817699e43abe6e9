"""Operations: one ASGI handler a domain operation, and the route that holds it for the router and OpenAPI."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Header
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from app.domains.api import Operation
from app.domains.validation import problems_of
from app.errors import CallError, InputError, Overloaded
from app.problem_types import INVALID_INPUT, OVERLOADED, problem_type_of
from app.rest.body import MEGABYTE, check_json, check_length, closes, read_body, reject
from app.rest.error_formats import error_format, with_own_format
from app.rest.micro_batching import MicroBatcher, RemoteMicroBatcher
from app.rest.problems import RequestRejected, format_problem, send_problem
from app.rest.responses import request_header, respond
from app.rest.uploads import Read, Uploads, media, not_taken
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.trace import current_trace

BODY_LIMITS = {"one": MEGABYTE, "many": 8 * MEGABYTE, "file": 12 * MEGABYTE}
"""Most bytes of a body, by the operation's size."""
LARGE_BODY = 4096
"""Bytes of a body from which to parse and answer it takes long enough to be done beside the event loop: 100 beers."""

MODEL_VERSION_HEADER = "X-Model-Version"
"""Asks for a version of the model other than the one that is active."""
_MODEL_VERSION = MODEL_VERSION_HEADER.lower().encode()
_VERSION = Annotated[
    str | None,
    Header(alias=MODEL_VERSION_HEADER, description="The version that shall answer; the active one by default."),
]


class OperationHandler:
    """Answers one operation: bytes, schema, face, schema, bytes, with nothing between them."""

    def __init__(
        self,
        operation: Operation[Any, Any],
        thread_pool: BoundedThreadPool,
        limits: Mapping[str, int] = BODY_LIMITS,
        waits: bool = False,
    ) -> None:
        """Initialize the operation handler.

        Args:
            operation: What a face can be asked.
            thread_pool: Runs what takes long.
            limits: Most bytes of a body, by the operation's size.
            waits: Whether another machine answers, so that every request takes long.
        """
        self.operation = operation
        self._thread_pool = thread_pool
        self._limit = limits[operation.size]
        self._mostly_slow = operation.size != "one"
        self._slow = _alone(operation) if waits else operation.slow
        self._uploads = Uploads(operation.upload) if operation.upload else None
        self._not_taken = not_taken(operation.upload)
        self._formatter = error_format(operation.failure) if operation.failure else format_problem
        self._validate: Read = TypeAdapter(operation.request).validator.validate_json
        self._to_json = TypeAdapter(operation.answer).serializer.to_json
        self._gathering: MicroBatcher | None = None
        if operation.run_many is not None:
            ask = partial(self._run_many, operation.run_many)
            self._gathering = RemoteMicroBatcher(ask, thread_pool) if waits else MicroBatcher(ask)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for POST."""
        scope["state"]["route"] = self.operation.path
        try:
            read = self._reader(scope)
            if self._crowded(scope):
                raise RequestRejected(OVERLOADED) if closes(scope) else Overloaded  # unread: the server drops the body
            version = request_header(scope, _MODEL_VERSION)
            body = await read_body(scope, receive, self._limit)
            if version is not None or len(body) > LARGE_BODY:
                answer = await self._thread_pool.run(partial(self._answer, version, read), body)
            else:
                request = read(body)
                if self._slow is not None and self._slow(request):
                    answer = await self._thread_pool.run(self._run, request)
                elif self._gathering is not None:
                    answer = await self._gathering.answer(request)
                else:
                    answer = self._run(request)
        except RequestRejected as refusal:
            await reject(scope, receive, send, refusal.problem_type, unread=refusal.unread, formatter=self._formatter)
        except ValidationError as error:
            await send_problem(send, INVALID_INPUT, problems_of(error), formatter=self._formatter)
        except InputError as error:
            await send_problem(send, INVALID_INPUT, error.problems, formatter=self._formatter)
        except CallError as error:
            await send_problem(send, problem_type_of(type(error)), formatter=self._formatter)
        else:
            await respond(send, 200, answer)

    def _crowded(self, scope: Scope) -> bool:
        """Whether a request is refused unread; one that does not say how long it is may be short.

        Raises:
            RequestRejected: It is too long in any case.
        """
        return self._mostly_slow and self._thread_pool.full and check_length(scope, self._limit)

    def _reader(self, scope: Scope) -> Read:
        found = self._uploads.reader(scope) if self._uploads else None
        if found is None:
            check_json(scope, self._not_taken)
        return found or self._validate

    def _answer(self, version: bytes | None, read: Read, body: bytes) -> bytes:
        try:
            request = read(body)
        except ValidationError as error:
            raise InputError(problems_of(error)) from None  # telling thousands of faults takes long, too
        if version is None:
            return self._run(request)
        answer: bytes = self._to_json(self.operation.run(request, version.decode("latin-1")))
        return answer

    def _run(self, request: Any) -> bytes:
        answer: bytes = self._to_json(self.operation.run(request))
        return answer

    def _run_many(
        self, run: Callable[[Sequence[Any]], Sequence[Any]], requests: Sequence[Any]
    ) -> list[bytes | Exception]:
        to_json = self._to_json
        return [answer if isinstance(answer, Exception) else to_json(answer) for answer in run(requests)]


def _alone(operation: Operation[Any, Any]) -> Callable[[Any], bool]:
    """Which requests another machine answers one by one: all that cannot be gathered, and those of a trace."""
    slow = operation.slow
    if operation.run_many is None:
        return lambda request: True
    return lambda request: current_trace() is not None or (slow is not None and slow(request))


class OperationRoute(APIRoute):
    """A route that FastAPI documents like any other and that answers with the operation's own handler."""

    def __init__(
        self,
        operation: Operation[Any, Any],
        thread_pool: BoundedThreadPool,
        limits: Mapping[str, int],
        waits: bool = False,
        **described: Any,
    ) -> None:
        """Initialize the operation route.

        Args:
            operation: What a face can be asked.
            thread_pool: See `OperationHandler`.
            limits: See `OperationHandler`.
            waits: See `OperationHandler`.
            described: More of `APIRoute`'s arguments.
        """
        super().__init__(
            operation.path,
            _signature(operation),
            methods=["POST"],
            name=operation.name,
            operation_id=operation.name,
            summary=operation.summary,
            description=operation.description,
            response_model=operation.answer,
            response_description=operation.answered,
            openapi_extra={"requestBody": {"content": media(operation.upload)}} if operation.upload else None,
            **(with_own_format(operation, described) if operation.failure else described),
        )
        self.handler = OperationHandler(operation, thread_pool, limits, waits)
        self.app = self.handler


def _signature(operation: Operation[Any, Any]) -> Any:
    """A function from which FastAPI reads the request's schema; it is never called."""

    def endpoint(body: Any, version: Any) -> None:
        """Stands for the handler in the OpenAPI document."""

    body = inspect.Parameter("body", inspect.Parameter.KEYWORD_ONLY, annotation=operation.request)
    version = inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_VERSION)
    endpoint.__signature__ = inspect.Signature([body, version])  # type: ignore[attr-defined]
    return endpoint
