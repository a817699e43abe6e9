"""Reflection: tells whoever asks what services there are, as grpcurl does; loaded when somebody does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Any

import grpc

SERVICE = "grpc.reflection.v1alpha.ServerReflection"


class Reflection(grpc.GenericRpcHandler):
    """Serves reflection. Its package takes 40 ms to import, which every start would pay."""

    def __init__(self, services: Sequence[str]) -> None:
        """Initialize the reflection.

        Args:
            services: Names of what is served.
        """
        self._services = services
        self._talks: set[asyncio.Task[Any]] = set()
        self._is_over = False

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`."""
        return self._handler if handler_call_details.method == f"/{SERVICE}/ServerReflectionInfo" else None

    def retire(self) -> None:
        """End the talks: a client may keep one open for as long as it likes."""
        self._is_over = True
        for task in self._talks:
            task.cancel()

    @cached_property
    def _handler(self) -> Any:
        from grpc_reflection.v1alpha import reflection
        from grpc_reflection.v1alpha import reflection_pb2 as pb

        answers: Any = reflection.aio.ReflectionServicer([*self._services, SERVICE]).ServerReflectionInfo

        async def talk(questions: Any, context: Any) -> AsyncIterator[Any]:
            task: Any = asyncio.current_task()
            self._talks.add(task)
            try:
                async for answer in answers(questions, context):
                    yield answer
            except asyncio.CancelledError:
                if not self._is_over:
                    raise
                task.uncancel()  # a polite end, with the status OK
            finally:
                self._talks.discard(task)

        return grpc.stream_stream_rpc_method_handler(
            talk,
            pb.ServerReflectionRequest.FromString,
            pb.ServerReflectionResponse.SerializeToString,
        )
