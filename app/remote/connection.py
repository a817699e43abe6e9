"""The connection to a model server: one channel for all calls, with API key, deadline and trace context."""

import json
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from app.telemetry.trace import current_trace

SERVICE = "inference.GRPCInferenceService"
MAX_ATTEMPTS = 4
"""Maximum attempts of a call while the server is unavailable; the deadline covers all of them."""
KEEP_ALIVE_MS = 10_000
"""Interval of keep-alive pings, which detect a machine that has vanished without closing the connection."""
MAX_BACKOFF_MS = 1000
"""Maximum pause between attempts to connect."""

AnswerT = TypeVar("AnswerT", bound=Message)

_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": MAX_ATTEMPTS,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.4s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_OPTIONS = (
    ("grpc.service_config", json.dumps(_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.max_receive_message_length", -1),  # the server is trusted, and responses are small
    ("grpc.keepalive_time_ms", KEEP_ALIVE_MS),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", MAX_BACKOFF_MS),
)


class Connection:
    """Calls a model server, and reconnects automatically. Thread-safe."""

    def __init__(self, target: str, secure: bool = False, key: str = "", timeout: float = 5.0) -> None:
        """Create a connection.

        Args:
            target: ``host:port``.
            secure: Whether to use TLS with the system's certificates.
            key: API key; empty: no key is sent.
            timeout: Maximum duration of a call in seconds.
        """
        self.target = target
        self.timeout = timeout
        self._metadata = (("x-api-key", key),) if key else ()
        credentials = grpc.ssl_channel_credentials() if secure else None
        self._channel = (
            grpc.secure_channel(target, credentials, _OPTIONS)
            if credentials
            else grpc.insecure_channel(target, _OPTIONS)
        )

    def call(
        self,
        method: str,
        request: Message,
        answer: type[AnswerT],
        timeout: float | None = None,
        wait_for_ready: bool = False,
    ) -> AnswerT:
        """Make a call.

        Args:
            method: Name of the method, such as ``ModelInfer``.
            request: The request.
            answer: Type of the response.
            timeout: Maximum duration in seconds; at most the connection's.
            wait_for_ready: Whether to wait until the server is available.

        Returns:
            The response.

        Raises:
            grpc.RpcError: If the server rejects the call, is unavailable, or does not respond in time.
        """
        trace = current_trace()
        call = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        response: AnswerT = call(
            request,
            timeout=self.timeout if timeout is None else min(timeout, self.timeout),
            metadata=(*self._metadata, *(trace.headers if trace else ())),
            wait_for_ready=wait_for_ready,
        )
        return response

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
