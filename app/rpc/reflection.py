"""Reflection: tells whoever asks what services there are, as grpcurl does; loaded when somebody does."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import grpc

SERVICE = "grpc.reflection.v1alpha.ServerReflection"


class Reflection(grpc.GenericRpcHandler):
    """Serves reflection. Its package takes 40 ms to import, which every start would pay."""

    def __init__(self, services: Sequence[str]) -> None:
        """Args:
        services: Names of what is served.
        """
        self._services = services

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`."""
        return self._handler if handler_call_details.method == f"/{SERVICE}/ServerReflectionInfo" else None

    @cached_property
    def _handler(self) -> Any:
        from grpc_reflection.v1alpha import reflection_pb2 as pb
        from grpc_reflection.v1alpha import reflection

        servicer = reflection.aio.ReflectionServicer([*self._services, SERVICE])
        return grpc.stream_stream_rpc_method_handler(
            servicer.ServerReflectionInfo,
            pb.ServerReflectionRequest.FromString,
            pb.ServerReflectionResponse.SerializeToString,
        )
