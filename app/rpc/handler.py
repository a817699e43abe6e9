"""The gRPC request handler: authentication, dispatch, errors, access log and metrics of every call."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.message import DecodeError, Message

from app.access.guard import Guard, rate_limit_headers
from app.access.public import PublicModels
from app.access.rates import Window
from app.errors import CallError, NotAuthenticated
from app.problem_types import BODY_TIMEOUT, INTERNAL_ERROR, MALFORMED_REQUEST, NOT_FOUND, TOO_LARGE
from app.rpc.call_metrics import CallMetrics
from app.rpc.message_reader import MessageReader
from app.rpc.methods import Call, Method
from app.rpc.status import CallRejected, details_of, problem_of, status_code, trailing_metadata
from app.telemetry.ids import RequestIds
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
        message_seconds: float = 15.0,
    ) -> None:
        """Create a handler.

        Args:
            methods: The methods to serve.
            guard: Checks the keys.
            log: The access log.
            metrics: Registry of the metrics.
            public: Models that need no key; none by default.
            message_seconds: Maximum time to wait for the message of a call.
        """
        self._guard = guard
        self._log = log
        self._metrics = CallMetrics(metrics)
        self._public = public or PublicModels()
        self._reader = MessageReader(message_seconds)
        self._ids = RequestIds()
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
        enter(trace)
        call = Call(fields.get(KEY), context.time_remaining)
        code = grpc.StatusCode.CANCELLED
        self.active_calls += 1
        self._metrics.began()
        try:
            answer, rate = await self._answer(method, call, metadata, context)
            if self._release is not None:
                await self._release.wait()
            context.set_trailing_metadata(((REQUEST_ID, request_id), *rate_limit_headers(rate)))
            code = grpc.StatusCode.OK
            return answer
        except (CallError, CallRejected) as error:
            code = status_code(error)
            self._metrics.refused(problem_of(error).code)
            return await _end(context, error, request_id)
        except asyncio.CancelledError:
            remaining = call.remaining()
            if remaining is not None and remaining < _DEADLINE_TOLERANCE:
                code = grpc.StatusCode.DEADLINE_EXCEEDED
            raise
        except Exception:  # last resort: the client gets a status, and the log the traceback
            _log.exception("request %s failed", request_id)
            code = grpc.StatusCode.INTERNAL
            return await _end(context, CallRejected(INTERNAL_ERROR), request_id)
        finally:
            self.active_calls -= 1
            seconds = time.perf_counter() - clock
            self._metrics.ended(method.route, code, seconds)
            self._log.record(
                request_id=request_id,
                method=VERB,
                route=method.route,
                status=code.value[0],
                started=started,
                seconds=seconds,
                key_id=call.principal.id if call.principal else "",
                traceparent=trace.traceparent if trace else "",
            )

    async def _answer(
        self, method: Method, call: Call, metadata: Metadata, context: Context
    ) -> tuple[bytes, Window | None]:
        rate = await self._authorize(method, call, metadata, context)
        if method is _NO_METHOD:
            raise CallRejected(NOT_FOUND)
        request = _parsed(method.request, await self._read(context))
        if call.principal is None and method.scope is not None:
            models = method.models(request) if method.models else ()
            if not self._public.allows(call.presented, models):
                raise NotAuthenticated
        if method.answer is not None:
            return (await method.answer(request, call)).SerializeToString(), rate
        if method.stream is not None:
            async for message in method.stream(request, call):
                await context.write(message.SerializeToString())
        return b"", rate

    async def _authorize(self, method: Method, call: Call, metadata: Metadata, context: Context) -> Window | None:
        """Check the key. A call without a key may pass until its message tells whether it addresses a public model."""
        try:
            call.principal = self._guard.authenticate(call.presented)
        except NotAuthenticated:
            may_be_public = call.presented is None and method.models is not None and self._public
            if method.scope is None or may_be_public:
                return None
            forwarded = [_bytes(value).decode("latin-1") for name, value in metadata if name == "x-forwarded-for"]
            raise self._guard.rejection(call.presented, _address(context.peer()), forwarded) from None
        if method.scope is None or (call.principal.rate is None and method.scope in call.principal.scopes):
            return None
        return await self._guard.authorize(call.principal, method.scope)

    async def _read(self, context: Context) -> bytes:
        try:
            message = await self._reader.read(context)
        except TimeoutError:
            raise CallRejected(BODY_TIMEOUT) from None
        if isinstance(message, bytes):
            return message
        # gRPC itself has rejected a message that is too large; the call has ended then, and has no peer.
        raise CallRejected(MALFORMED_REQUEST if context.peer() else TOO_LARGE)


async def _end(context: Context, error: CallError | CallRejected, request_id: str) -> bytes:
    if context.peer():  # otherwise the call has ended already
        trailing = ((REQUEST_ID, request_id), *trailing_metadata(error))
        await context.abort(status_code(error), details_of(error), trailing)
    return b""


def _parsed(kind: type[Message], raw: bytes) -> Message:
    try:
        return kind.FromString(raw)
    except DecodeError:
        raise CallRejected(MALFORMED_REQUEST) from None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()  # gRPC decoded it as UTF-8, so it can be encoded again


def _single_values(metadata: Metadata) -> dict[str, bytes]:
    """Metadata values by name; empty for a repeated name, whose values another reader could resolve differently."""
    values: dict[str, bytes] = {}
    for name, value in metadata:
        values[name] = b"" if name in values else _bytes(value)
    return values


def _address(peer: str) -> str | None:
    """The address in ``ipv4:127.0.0.1:1234`` or ``ipv6:%5B::1%5D:1234``."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else None
