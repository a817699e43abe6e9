"""Server reflection, as grpcurl uses it; loaded at the first request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from app.errors import CallError
from app.problem_types import BODY_TIMEOUT, MALFORMED_REQUEST, TOO_LARGE
from app.rpc.limits import CallLimits
from app.rpc.message_cost import SMALL_MESSAGE
from app.rpc.status import CallRejected, details_of, status_code, trailing_metadata

SERVICE = "grpc.reflection.v1alpha.ServerReflection"


class Reflection(grpc.GenericRpcHandler):
    """Serves reflection. Importing its package takes 40 ms, which a start should not pay."""

    def __init__(self, services: Sequence[str], limits: CallLimits) -> None:
        """Create the handler.

        Args:
            services: Names of the services.
            limits: Limits on what calls hold.
        """
        self._services = services
        self._limits = limits
        self._calls: set[asyncio.Task[Any]] = set()
        self._retired = False

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`."""
        return self._handler if handler_call_details.method == f"/{SERVICE}/ServerReflectionInfo" else None

    def retire(self) -> None:
        """End the open calls: a client may keep a call open indefinitely."""
        self._retired = True
        for task in self._calls:
            task.cancel()

    @cached_property
    def _handler(self) -> Any:
        from grpc_reflection.v1alpha import reflection
        from grpc_reflection.v1alpha import reflection_pb2 as pb

        answer: Any = reflection.aio.ReflectionServicer([*self._services, SERVICE]).ServerReflectionInfo

        async def serve(_: Any, context: Any) -> None:
            task: Any = asyncio.current_task()
            peer = context.peer()
            open_calls = self._limits.open_calls
            self._calls.add(task)
            try:
                open_calls.enter(task, peer, has_key=False)
                async for response in answer(self._requests(context, pb.ServerReflectionRequest), context):
                    open_calls.responding(task, peer)
                    await context.write(response)
                    open_calls.taken(task)
            except (CallError, CallRejected) as error:
                open_calls.responding(task, peer)
                await context.abort(status_code(error), details_of(error), trailing_metadata(error))
            except asyncio.CancelledError:
                if not self._retired:
                    raise
                task.uncancel()  # the call ends with the status OK
            finally:
                self._calls.discard(task)

        return grpc.stream_stream_rpc_method_handler(serve, None, pb.ServerReflectionResponse.SerializeToString)

    async def _requests(self, context: Any, kind: Any) -> AsyncIterator[Any]:
        """Read requests until the client sends no more for some time."""
        with self._limits.memory_budget.reserve(has_key=False) as reservation:
            while True:
                try:
                    raw = await self._limits.reader.read(context, reservation)
                except CallRejected as error:
                    if error.problem_type is BODY_TIMEOUT:
                        return
                    raise
                if not isinstance(raw, bytes):
                    return
                if len(raw) > SMALL_MESSAGE:
                    raise CallRejected(TOO_LARGE)
                try:
                    request = kind.FromString(raw)
                except DecodeError:
                    raise CallRejected(MALFORMED_REQUEST) from None
                yield request
