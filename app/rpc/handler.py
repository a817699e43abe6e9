"""The gRPC request handler: authentication, dispatch, errors, access log and metrics of every call."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError, Message

from app.access.guard import Guard, rate_limit_headers
from app.access.public import PublicModels
from app.access.rates import Window
from app.errors import CallError, NotAuthenticated
from app.problem_types import INTERNAL_ERROR, MALFORMED_REQUEST, NOT_FOUND, TOO_LARGE
from app.rpc.call_metrics import CallMetrics
from app.rpc.connections import address_of
from app.rpc.limits import CallLimits
from app.rpc.message_cost import SMALL_MESSAGE, Fields, fields_of, parsing_cost
from app.rpc.methods import Call, Method
from app.rpc.status import CallRejected, details_of, problem_of, status_code, trailing_metadata
from app.runtime.memory_budget import Reservation
from app.telemetry.calls import CallNotes, CallWatch
from app.telemetry.ids import EnteredRequestIds, RequestIds
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry
from app.telemetry.trace import enter, read_trace

Context = grpc.aio.ServicerContext[Any, Any]
Metadata = Iterable[tuple[str, str | bytes]]
KEY = "x-api-key"
REQUEST_ID = "x-request-id"
VERB = "GRPC"
"""Value of ``method`` in the access log, where REST logs the HTTP method."""
_DEADLINE_TOLERANCE = 0.1
"""Seconds before its deadline in which a cancelled call counts as late: the client's clock started earlier."""
_NO_METHOD = Method("", Message, scope=None)
_log = logging.getLogger(__name__)


class GrpcHandler(grpc.GenericRpcHandler):
    """Serves methods. The key is checked before the message is read, and receiving the message has a time limit."""

    def __init__(
        self,
        methods: Iterable[Method],
        guard: Guard,
        log: RequestLog,
        metrics: Registry,
        public: PublicModels | None = None,
        limits: CallLimits | None = None,
        names_requests: bool = False,
        watch: CallWatch | None = None,
    ) -> None:
        """Create a handler.

        Args:
            methods: The methods to serve.
            guard: Checks the keys.
            log: The access log.
            metrics: Registry of the metrics.
            public: Models that need no key; none by default.
            limits: Limits on what calls hold; by default those of the settings' defaults.
            names_requests: Whether a part has to know whose rows a model answers; see `app.telemetry.ids`.
            watch: Sees every call, if something wants to.
        """
        self._watch = watch
        self._guard = guard
        self._log = log
        self._metrics = CallMetrics(metrics)
        self._public = public or PublicModels()
        self.limits = limits or CallLimits.build()
        """Limits on what calls hold."""
        self._fields: dict[Method, Fields] = {}
        """What the messages of a method contain; filled when a method's first large message arrives."""
        self._ids = EnteredRequestIds() if names_requests else RequestIds()
        self._handlers = {method.route: self._handler(method) for method in methods}
        self._unmatched = self._handler(_NO_METHOD)
        self.active_calls = 0
        """Number of calls in progress."""
        self._release: asyncio.Event | None = None

    def _handler(self, method: Method) -> Any:
        # Declared as a stream, of which one message is read: gRPC reads a unary request before it calls the handler.
        serve = partial(self._serve, method)
        if method.stream is not None:
            return grpc.stream_stream_rpc_method_handler(serve)
        return grpc.stream_unary_rpc_method_handler(serve)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`; unknown methods have a handler too, so that they are counted and logged."""
        return self._handlers.get(handler_call_details.method, self._unmatched)

    @contextmanager
    def hold_responses(self) -> Iterator[None]:
        """Hold back responses inside the context; calls still start."""
        self._release = asyncio.Event()
        try:
            yield
        finally:
            self._release.set()
            self._release = None

    async def _serve(self, method: Method, _: object, context: Context) -> bytes:
        started, clock = time.time(), time.perf_counter()
        metadata: Metadata = context.invocation_metadata() or ()
        fields = _single_values(metadata)
        request_id = self._ids.of(fields.get(REQUEST_ID, b"")).decode()
        traced = "traceparent" in fields
        trace = read_trace([(name.encode(), _bytes(value)) for name, value in metadata]) if traced else None
        notes: CallNotes | None = None
        if self._watch is None:
            enter(trace)
        else:
            notes = self._watch.begin(trace)
            trace = notes.trace
        call = Call(fields.get(KEY), context.time_remaining, context.peer(), request_id=request_id, fields=fields)
        task: Any = asyncio.current_task()
        reservation: Reservation | None = None
        code = grpc.StatusCode.CANCELLED
        self.active_calls += 1
        self._metrics.began()
        try:
            rate = await self._authorize(method, call, metadata, context)
            self.limits.open_calls.enter(task, call.peer, call.principal is not None)
            reservation = self.limits.memory_budget.reserve(has_key=call.principal is not None)
            answer = await self._answer(method, call, context, reservation)
            if self._release is not None:
                await self._release.wait()
            context.set_trailing_metadata(((REQUEST_ID, request_id), *rate_limit_headers(rate)))
            code = grpc.StatusCode.OK
            self.limits.open_calls.responding(task, call.peer)
            if len(answer) > SMALL_MESSAGE:
                _hold_until_sent(answer, reservation, task)
            elif reservation.amount:
                reservation.release()
            return answer
        except (CallError, CallRejected) as error:
            code = status_code(error)
            self._metrics.refused(problem_of(error).code)
            self.limits.open_calls.responding(task, call.peer)
            error.with_traceback(
                None
            )  # its frames hold the message, and gRPC keeps the error until garbage is collected
            await _end(context, error, request_id)
        except asyncio.CancelledError:
            remaining = call.remaining()
            if remaining is not None and remaining < _DEADLINE_TOLERANCE:
                code = grpc.StatusCode.DEADLINE_EXCEEDED
            raise
        except Exception:  # last resort: the client gets a status, and the log the traceback
            _log.exception("request %s failed", request_id)
            code = grpc.StatusCode.INTERNAL
            await _end(context, CallRejected(INTERNAL_ERROR), request_id)
        finally:
            if reservation is not None and reservation.amount and code is not grpc.StatusCode.OK:
                reservation.release()
            self.active_calls -= 1
            seconds = time.perf_counter() - clock
            self._metrics.ended(method.route, code, seconds)
            key_id = call.principal.id if call.principal else ""
            if notes is not None and self._watch is not None:
                notes.transport, notes.method, notes.route = "grpc", VERB, method.route
                notes.status, notes.code = code.value[0], code.name
                notes.started, notes.seconds, notes.key_id = started, seconds, key_id
                self._watch.end(notes)
            self._log.record(
                request_id=request_id,
                method=VERB,
                route=method.route,
                status=code.value[0],
                started=started,
                seconds=seconds,
                key_id=key_id,
                traceparent=trace.traceparent if trace else "",
            )

    async def _answer(self, method: Method, call: Call, context: Context, reservation: Reservation) -> bytes:
        if method is _NO_METHOD:
            raise CallRejected(NOT_FOUND)
        request = self._parsed(method, call, await self._read(context, reservation), reservation)
        if call.principal is None and method.scope is not None:
            models = method.models(request) if method.models else ()
            if not self._public.allows(call.presented, models):
                raise NotAuthenticated
        if method.answer is not None:
            return (await method.answer(request, call)).SerializeToString()
        if method.stream is not None:
            task: Any = asyncio.current_task()
            async for message in method.stream(request, call):
                self.limits.open_calls.responding(task, call.peer)
                await context.write(message.SerializeToString())
                self.limits.open_calls.taken(task)
        return b""

    def _parsed(self, method: Method, call: Call, raw: bytes, reservation: Reservation) -> Message:
        """Parse a message. A large one reserves the memory for it; without a key it must be smaller than with one."""
        if len(raw) > SMALL_MESSAGE:
            if method.scope is None or (call.principal is None and len(raw) > self.limits.keyless_message_bytes):
                raise CallRejected(TOO_LARGE)
            fields = self._fields.get(method)
            if fields is None:
                fields = self._fields[method] = fields_of(method.request.DESCRIPTOR)
            cost = parsing_cost(raw, fields)
            if cost > reservation.amount:
                reservation.grow(cost - reservation.amount)
        try:
            return method.request.FromString(raw)
        except DecodeError:
            raise CallRejected(MALFORMED_REQUEST) from None

    async def _authorize(self, method: Method, call: Call, metadata: Metadata, context: Context) -> Window | None:
        """Check the key. A call without a key may pass until its message tells whether it addresses a public model."""
        try:
            call.principal = self._guard.authenticate(call.presented)
        except NotAuthenticated:
            may_be_public = call.presented is None and method.models is not None and self._public
            if method.scope is None or may_be_public:
                return None
            forwarded = [_bytes(value).decode("latin-1") for name, value in metadata if name == "x-forwarded-for"]
            raise self._guard.rejection(call.presented, address_of(call.peer), forwarded) from None
        if method.scope is None or (call.principal.rate is None and method.scope in call.principal.scopes):
            return None
        return await self._guard.authorize(call.principal, method.scope)

    async def _read(self, context: Context, reservation: Reservation) -> bytes:
        message = await self.limits.reader.read(context, reservation)
        if isinstance(message, bytes):
            return message
        # gRPC itself has rejected a message that is too large; the call has ended then, and has no peer. Only the task
        # of the call may ask for the peer: gRPC frees the call when the task ends, and crashes when asked later.
        raise CallRejected(MALFORMED_REQUEST if context.peer() else TOO_LARGE)


async def _end(context: Context, error: CallError | CallRejected, request_id: str) -> NoReturn:
    trailing = ((REQUEST_ID, request_id), *trailing_metadata(error))
    await context.abort(status_code(error), details_of(error), trailing)  # has no effect on a call that has ended


def _hold_until_sent(answer: bytes, reservation: Reservation, task: asyncio.Task[Any]) -> None:
    """Reserve the memory of an answer, and of the copy of it that gRPC sends, until the task of the call ends."""
    reservation.release()
    reservation.grow(2 * len(answer))
    task.add_done_callback(lambda _: reservation.release())


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()  # gRPC decoded it as UTF-8, so it can be encoded again


def _single_values(metadata: Metadata) -> dict[str, bytes]:
    """Metadata values by name; empty for a repeated name, whose values another reader could resolve differently."""
    values: dict[str, bytes] = {}
    for name, value in metadata:
        values[name] = b"" if name in values else _bytes(value).strip(b" \t")
    return values
