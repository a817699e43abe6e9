"""The gRPC door: every call's way from its metadata to its status, log line and count."""

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
from app.rpc.call_metrics import CallMetrics
from app.rpc.message_reader import MessageReader
from app.rpc.methods import Call, Method
from app.rpc.status import FAULT, MALFORMED, NO_METHOD, SLOW, TOO_LARGE, CallRefused, details_of, status_of, trailing_of
from app.telemetry.ids import RequestIds
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry
from app.telemetry.trace import enter, read_trace

Context = grpc.aio.ServicerContext[Any, Any]
Metadata = Iterable[tuple[str, str | bytes]]
KEY = "x-api-key"
REQUEST_ID = "x-request-id"
VERB = "GRPC"
"""What stands in the log line where REST has the method."""
_ABOUT = 0.1
"""Seconds before its deadline that a call may have been cut off by it: the client's clock began to run earlier."""
_NO_METHOD = Method("", Message, scope=None)
_log = logging.getLogger(__name__)


class GrpcHandler(grpc.GenericRpcHandler):
    """Serves methods. The key is checked before a message is read, and a message has a time to arrive in."""

    def __init__(
        self,
        methods: Iterable[Method],
        guard: Guard,
        log: RequestLog,
        metrics: Registry,
        public: PublicModels | None = None,
        message_seconds: float = 15.0,
    ) -> None:
        """Initialize the grpc handler.

        Args:
            methods: What can be called.
            guard: Whom to let through.
            log: Takes a line a call.
            metrics: Hold the figures.
            public: Models that answer without a key; none by default.
            message_seconds: Most seconds until a call's message has arrived.
        """
        self._guard = guard
        self._log = log
        self._counts = CallMetrics(metrics)
        self._public = public or PublicModels()
        self._arrivals = MessageReader(message_seconds)
        self._ids = RequestIds()
        self._handlers = {method.route: self._handler(method) for method in methods}
        self._unmatched = self._handler(_NO_METHOD)
        self.in_work = 0
        """Calls that have begun and not ended."""
        self._held: asyncio.Event | None = None

    def _handler(self, method: Method) -> Any:
        # A stream of requests, of which one is taken: only so is there a say before the message has come.
        serve = partial(self._serve, method)
        if method.stream is not None:
            return grpc.stream_stream_rpc_method_handler(serve)
        return grpc.stream_unary_rpc_method_handler(serve)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`; there is one for every name, so that wrong ones are counted and logged."""
        return self._handlers.get(handler_call_details.method, self._unmatched)

    @contextmanager
    def answers_held(self) -> Iterator[None]:
        """Give no answer meanwhile; calls still begin."""
        self._held = asyncio.Event()
        try:
            yield
        finally:
            self._held.set()
            self._held = None

    async def _serve(self, method: Method, _: object, context: Context) -> bytes:
        moment, clock = time.time(), time.perf_counter()
        metadata: Metadata = context.invocation_metadata() or ()
        singles = _singles(metadata)
        request_id = self._ids.of(singles.get(REQUEST_ID, b"")).decode()
        traced = "traceparent" in singles
        trace = read_trace([(name.encode(), _bytes(value)) for name, value in metadata]) if traced else None
        enter(trace)
        call = Call(singles.get(KEY), context.time_remaining)
        code = grpc.StatusCode.CANCELLED
        self.in_work += 1
        self._counts.began()
        try:
            answer, left = await self._answer(method, call, metadata, context)
            if self._held is not None:
                await self._held.wait()
            context.set_trailing_metadata(((REQUEST_ID, request_id), *rate_limit_headers(left)))
            code = grpc.StatusCode.OK
            return answer
        except (CallError, CallRefused) as error:
            code = status_of(error).code
            self._counts.refused(status_of(error).reason)
            return await _end(context, error, request_id)
        except asyncio.CancelledError:
            left_seconds = call.remaining()
            if left_seconds is not None and left_seconds < _ABOUT:
                code = grpc.StatusCode.DEADLINE_EXCEEDED
            raise
        except Exception:  # the last resort: the client gets a status, the log the traceback
            _log.exception("request %s failed", request_id)
            code = FAULT.code
            return await _end(context, CallRefused(FAULT), request_id)
        finally:
            self.in_work -= 1
            seconds = time.perf_counter() - clock
            self._counts.ended(method.route, code, seconds)
            self._log.record(
                request_id=request_id,
                method=VERB,
                route=method.route,
                status=code.value[0],
                started=moment,
                seconds=seconds,
                key_id=call.principal.id if call.principal else "",
                traceparent=trace.traceparent if trace else "",
            )

    async def _answer(
        self, method: Method, call: Call, metadata: Metadata, context: Context
    ) -> tuple[bytes, Window | None]:
        left = await self._admit(method, call, metadata, context)
        if method is _NO_METHOD:
            raise CallRefused(NO_METHOD)
        request = _parsed(method.request, await self._read(context))
        if call.principal is None and method.scope is not None:
            asked = method.models(request) if method.models else ()
            if not self._public.allows(call.presented, asked):
                raise NotAuthenticated
        if method.answer is not None:
            return (await method.answer(request, call)).SerializeToString(), left
        if method.stream is not None:
            async for message in method.stream(request, call):
                await context.write(message.SerializeToString())
        return b"", left

    async def _admit(self, method: Method, call: Call, metadata: Metadata, context: Context) -> Window | None:
        """Check the key. Without one, calls that a public model may answer go on until that is known."""
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
            read = await self._arrivals.read(context)
        except TimeoutError:
            raise CallRefused(SLOW) from None
        if isinstance(read, bytes):
            return read
        # gRPC itself has answered a message that is too large; the call is over then and has no peer.
        raise CallRefused(MALFORMED if context.peer() else TOO_LARGE)


async def _end(context: Context, error: CallError | CallRefused, request_id: str) -> bytes:
    if context.peer():  # else nobody is there any more
        await context.abort(status_of(error).code, details_of(error), ((REQUEST_ID, request_id), *trailing_of(error)))
    return b""


def _parsed(kind: type[Message], raw: bytes) -> Message:
    try:
        return kind.FromString(raw)
    except DecodeError:
        raise CallRefused(MALFORMED) from None


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()  # UTF-8, as gRPC has read it: any text can be written


def _singles(metadata: Metadata) -> dict[str, bytes]:
    """The value by its name; empty where there are several, which could be read differently."""
    found: dict[str, bytes] = {}
    for name, value in metadata:
        found[name] = b"" if name in found else _bytes(value)
    return found


def _address(peer: str) -> str | None:
    """``ipv4:127.0.0.1:1234`` or ``ipv6:%5B::1%5D:1234`` without kind and port."""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else None
