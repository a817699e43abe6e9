"""Operations over REST: an ASGI handler, and a FastAPI route, for each operation of a domain."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domains.api import Operation
from app.domains.validation import problems_of
from app.errors import CallError, InputError, Overloaded
from app.problem_types import INVALID_INPUT, OVERLOADED, problem_type_of
from app.rest.body import (
    MEGABYTE,
    SMALL_BODY,
    bytes_cost,
    check_json,
    check_length,
    closes,
    json_cost,
    read_body,
    reject,
    release,
)
from app.rest.error_formats import error_format
from app.rest.json_body import json_reader
from app.rest.micro_batching import MicroBatcher, NamingBatcher, RemoteMicroBatcher
from app.rest.openapi import KEYED, OPERATION_PROBLEMS, Responses, problem_responses
from app.rest.problems import RequestRejected, format_problem, send_problem
from app.rest.responses import AsgiResponse, request_header, respond
from app.rest.schemas import reference
from app.rest.traffic import call_of
from app.rest.uploads import BodyReader, UploadReader, flag_parameters, media_type_problem, upload_content
from app.runtime.memory_budget import MemoryBudget, Reservation
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.trace import current_trace
from app.traffic.traffic import Traffic

if TYPE_CHECKING:
    from app.traffic.calls import Call
    from app.traffic.rollouts import Rollouts

BODY_LIMITS = {"one": MEGABYTE, "many": 8 * MEGABYTE, "file": 12 * MEGABYTE}
"""Maximum bytes of a body, by the operation's size."""
MODEL_VERSION_HEADER = "X-Model-Version"
"""Selects a version of the model other than the active one."""
_MODEL_VERSION = MODEL_VERSION_HEADER.lower().encode()
ModelVersion = Annotated[
    str | None,
    Header(alias=MODEL_VERSION_HEADER, description="Version of the model; the active one by default."),
]
_NOTHING = nullcontext()
Endpoint = Callable[..., Coroutine[Any, Any, bytes]]


class OperationHandler:
    """ASGI application that answers one operation."""

    def __init__(
        self,
        operation: Operation[Any, Any],
        thread_pool: BoundedThreadPool,
        limits: Mapping[str, int] = BODY_LIMITS,
        is_remote: bool = False,
        memory_budget: MemoryBudget | None = None,
        traffic: Traffic | None = None,
        models: Collection[str] = (),
        names_requests: bool = False,
    ) -> None:
        """Create the handler.

        Args:
            operation: The operation.
            thread_pool: Runs requests that take long.
            limits: Maximum bytes of a body, by the operation's size.
            is_remote: Whether a model server runs the model, so that every request takes long.
            memory_budget: Limits what requests in progress hold; by default one of its own.
            traffic: Knows which versions are tried; by default none.
            models: The models that the operation may run.
            names_requests: Whether a part has to know whose rows a model answers; see `app.telemetry.ids`.
        """
        self.operation = operation
        self._traffic = traffic or Traffic()
        self._models = models
        self._is_remote = is_remote
        self._thread_pool = thread_pool
        self._memory_budget = memory_budget or MemoryBudget()
        self.limit = limits[operation.size]
        """Maximum bytes of a body."""
        self._is_usually_slow = operation.size != "one"
        self._is_slow = _is_remote_slow(operation) if is_remote else operation.slow
        self._upload_reader = UploadReader(operation.upload) if operation.upload else None
        self._media_type_problem = media_type_problem(operation.upload)
        self._formatter = error_format(operation.failure) if operation.failure else format_problem
        self._read_json = json_reader(operation.request, operation.contradictions)
        self._to_json = TypeAdapter(operation.answer).serializer.to_json
        self._batcher: MicroBatcher | NamingBatcher | None = None
        if operation.run_many is not None:
            run_many = partial(self._run_many, operation.run_many)
            make = partial(RemoteMicroBatcher, thread_pool=thread_pool) if is_remote else MicroBatcher
            self._batcher = NamingBatcher(run_many, make) if names_requests else make(run_many)
        self.endpoint = self._make_endpoint()
        """Answers a valid request: with its schema, if JSON has one, and the version of the model, as JSON."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a POST request."""
        scope["state"]["route"] = self.operation.path
        reservation: Reservation | None = None
        try:
            read = self._body_reader(scope)
            if self._is_overloaded(scope):
                # the server drops a body that is not read, unless it closes the connection
                raise RequestRejected(OVERLOADED) if closes(scope) else Overloaded
            version = request_header(scope, _MODEL_VERSION)
            cost = json_cost if read is self._read_json else bytes_cost
            body, reservation = await read_body(scope, receive, self.limit, self._memory_budget, cost)
            has_key = "principal" in scope["state"]
            rollouts = self._traffic.current
            if version is not None or len(body) > SMALL_BODY:
                call = None if rollouts is None or version is not None else call_of(rollouts, scope)
                answer = await self._thread_pool.run(
                    partial(self._parse_and_run, version, read, has_key, call), body, self.operation.long
                )
            elif rollouts is None:
                answer = await self._answer(read(body), has_key)
            else:
                answer = await self._answer_in_rollout(read(body), has_key, rollouts, scope)
        except RequestRejected as rejection:
            problem_type, unread = rejection.problem_type, rejection.unread
            headers, formatter = rejection.headers, self._formatter
            await reject(scope, receive, send, problem_type, *headers, unread=unread, formatter=formatter)
        except ValidationError as error:
            await send_problem(send, INVALID_INPUT, problems_of(error), formatter=self._formatter)
        except InputError as error:
            await send_problem(send, INVALID_INPUT, error.problems, formatter=self._formatter)
        except CallError as error:
            await send_problem(send, problem_type_of(type(error)), formatter=self._formatter)
        else:
            await respond(send, 200, answer)
        finally:
            if reservation is not None:
                release(reservation)

    def _make_endpoint(self) -> Endpoint:
        """Return a function that answers a valid request, with a signature from which FastAPI documents it."""
        operation = self.operation

        async def endpoint(
            body: operation.request,  # type: ignore[name-defined]
            version: ModelVersion = None,
        ) -> bytes:
            return await self._answer(body, True, version)

        async def file_endpoint(version: ModelVersion = None) -> bytes:
            raise NotImplementedError  # the handler reads the file

        return file_endpoint if operation.upload is not None and operation.upload.is_only_body else endpoint

    async def _answer(self, body: Any, has_key: bool, version: str | None = None) -> bytes:
        """Answer a valid request; `has_key` is whether the caller has a key."""
        if version is not None or (self._is_slow is not None and self._is_slow(body)):
            return await self._thread_pool.run(partial(self._run, has_key, version=version), body, self.operation.long)
        if self._batcher is not None:
            answer: bytes = await self._batcher.answer(body)
            return answer
        return self._run(has_key, body)

    async def _answer_in_rollout(self, body: Any, has_key: bool, rollouts: "Rollouts", scope: Scope) -> bytes:
        """Answer a valid request while a version is tried. A call of a canary is not joined with others."""
        is_slow = self._is_slow is not None and self._is_slow(body)
        if self._batcher is None or is_slow or rollouts.canaries:
            call = call_of(rollouts, scope)
            is_picked = rollouts.picks(call, self._models)
            if is_slow or (is_picked and self._is_remote):
                return await self._thread_pool.run(partial(self._run, has_key, call=call), body, self.operation.long)
            if self._batcher is None or is_picked:
                return self._run(has_key, body, call=call)
        request_ids, key = rollouts.request_ids, id(body)
        request_ids[key] = scope["state"]["request_id"]
        try:
            answer: bytes = await self._batcher.answer(body)
        finally:
            del request_ids[key]
        return answer

    def _is_overloaded(self, scope: Scope) -> bool:
        """Return whether a request is rejected unread. A body of unknown length is read: it may be short.

        Raises:
            RequestRejected: If the body is too large.
        """
        return self._is_usually_slow and self._thread_pool.full and check_length(scope, self.limit)

    def _body_reader(self, scope: Scope) -> BodyReader:
        read = self._upload_reader.body_reader(scope) if self._upload_reader else None
        if read is None:
            check_json(scope, self._media_type_problem)
        return read or self._read_json

    def _parse_and_run(
        self, version: bytes | None, read: BodyReader, has_key: bool, call: "Call | None", body: bytes
    ) -> bytes:
        try:
            request = read(body)
        except ValidationError as error:
            problems = problems_of(error)  # thousands of problems take long as well
        else:
            return self._run(has_key, request, None if version is None else version.decode("latin-1"), call)
        raise InputError(problems)  # here, so that it does not hold the validation error, which may be large

    def _run(self, has_key: bool, request: Any, version: str | None = None, call: "Call | None" = None) -> bytes:
        run, cost = self.operation.run, self.operation.cost
        with self._memory_budget.reserve(cost(request), has_key) if cost else _NOTHING:
            if call is not None:
                return call.answer(lambda: self._to_json(run(request)))
            answer: bytes = self._to_json(run(request) if version is None else run(request, version))
        return answer

    def _run_many(
        self, run_many: Callable[[Sequence[Any]], Sequence[Any]], requests: Sequence[Any]
    ) -> list[bytes | Exception]:
        to_json = self._to_json
        return [answer if isinstance(answer, Exception) else to_json(answer) for answer in run_many(requests)]


def _is_remote_slow(operation: Operation[Any, Any]) -> Callable[[Any], bool]:
    """Return which requests of a remote model are sent alone: traced ones, and those that cannot be batched."""
    is_slow = operation.slow
    if operation.run_many is None:
        return lambda request: True
    return lambda request: current_trace() is not None or (is_slow is not None and is_slow(request))


def add_operation(router: FastAPI, handler: OperationHandler, is_public: bool) -> None:
    """Add the FastAPI route of an operation.

    `RestApplication` calls the handler itself, which saves the time of FastAPI's middleware.

    Args:
        router: The FastAPI application.
        handler: Answers the operation.
        is_public: Whether the operation requires no API key.
    """
    operation = handler.operation

    responses = problem_responses(*OPERATION_PROBLEMS)
    router.router.add_api_route(
        operation.path,
        handler.endpoint,
        methods=["POST"],
        name=operation.name,
        operation_id=operation.name,
        summary=operation.summary,
        description=operation.description,
        response_model=operation.answer,
        response_description=operation.answered,
        dependencies=[] if is_public else KEYED,
        responses=_with_own_format(operation, responses) if operation.failure else responses,
        openapi_extra=_extra(operation, handler.limit),
        route_class_override=route_class(handler),
    )


def route_class(handler: ASGIApp) -> type[APIRoute]:
    """Return a class of routes that call a handler; their endpoints only document it.

    Args:
        handler: ASGI application that reads the request, as not every body is JSON, and answers it.
    """

    class HandlerRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            async def route_handler(_: Request) -> Response:
                return AsgiResponse(handler)

            return route_handler

    return HandlerRoute


def _extra(operation: Operation[Any, Any], limit: int) -> dict[str, Any]:
    """Return the documentation beside the schema: the largest body, the examples, the files and their flags."""
    content: dict[str, Any] = {}
    body: dict[str, Any] = {"description": f"At most {limit:,} bytes."}
    extra: dict[str, Any] = {"requestBody": body}
    if operation.examples:
        content["application/json"] = {"examples": {name: dict(each) for name, each in operation.examples.items()}}
    if operation.upload:
        content |= upload_content(operation.upload, f"{operation.request.__name__}Form")
        if parameters := flag_parameters(operation.upload):
            extra["parameters"] = parameters
    if content:
        body["content"] = content
    if operation.upload and operation.upload.is_only_body:
        body["required"] = True
    return extra


def _with_own_format(operation: Operation[Any, Any], responses: Responses) -> Responses:
    """Document an operation's own error format in addition to problem+json, which the API-key middleware sends.

    Args:
        operation: An operation with an error format of its own.
        responses: The error responses of its route.
    """
    own = {"application/json": {"schema": reference(operation.answer.__name__)}}
    return {status: {**response, "content": {**response["content"], **own}} for status, response in responses.items()}
