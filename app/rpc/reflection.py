"""Server reflection, as grpcurl uses it; loaded at the first request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Any

import grpc

SERVICE = "grpc.reflection.v1alpha.ServerReflection"


class Reflection(grpc.GenericRpcHandler):
    """Serves reflection. Importing its package takes 40 ms, which a start should not pay."""

    def __init__(self, services: Sequence[str]) -> None:
        """Create the handler.

        Args:
            services: Names of the services.
        """
        self._services = services
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

        async def serve(requests: Any, context: Any) -> AsyncIterator[Any]:
            task: Any = asyncio.current_task()
            self._calls.add(task)
            try:
                async for response in answer(requests, context):
                    yield response
            except asyncio.CancelledError:
                if not self._retired:
                    raise
                task.uncancel()  # the call ends with the status OK
            finally:
                self._calls.discard(task)

        return grpc.stream_stream_rpc_method_handler(
            serve,
            pb.ServerReflectionRequest.FromString,
            pb.ServerReflectionResponse.SerializeToString,
        )
