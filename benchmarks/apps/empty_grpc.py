"""A grpc.aio server with an empty handler: ``python empty_grpc.py PORT``."""

import sys
from typing import Any

import grpc
import uvloop


class Empty(grpc.GenericRpcHandler):
    """Answers every method with an empty message without parsing the request."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """See `grpc.GenericRpcHandler`."""
        return grpc.unary_unary_rpc_method_handler(self._answer)

    async def _answer(self, request: bytes, context: object) -> bytes:
        return b""


async def main() -> None:
    """Serve until the process is terminated."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([Empty()])
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
