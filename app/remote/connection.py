"""The connection to a model server: one channel for all calls, with API key, deadline and trace context."""

import json
from collections.abc import Callable
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from app.telemetry.trace import current_trace

SERVICE = "inference.GRPCInferenceService"
MAX_ATTEMPTS = 4
"""Maximum attempts of a call while the server is unavailable; the deadline covers all of them."""
KEEP_ALIVE_MS = 10_000
"""Interval of keep-alive pings, which detect a machine that has vanished without closing the connection."""
MAX_BACKOFF_MS = 1000
"""Maximum pause between attempts to connect."""
RESOLUTION_MS = 500
"""Minimum interval between look-ups of the server's name. gRPC looks it up again when no address can be connected to;
its default of 30 s would keep a server that returns at another address out of use for as long."""
MAX_RESPONSE_BYTES = 2 << 20
"""Maximum size of any response in bytes, as sent and decompressed. The channel reads no more of a larger one."""
MAX_DESCRIPTION_BYTES = 512 << 10
"""Maximum size in bytes of a response that describes models: some 5,000 of them."""

_TOO_LARGE = "the response is too large"
_REFUSALS = ("CLIENT: Received message larger than max", "Decompressed message larger than max")
"""Details with which the channel refuses a response. It has no code of its own for this."""

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
    ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
    ("grpc.keepalive_time_ms", KEEP_ALIVE_MS),
    ("grpc.dns_min_time_between_resolutions_ms", RESOLUTION_MS),
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
        max_bytes: int = MAX_DESCRIPTION_BYTES,
    ) -> AnswerT:
        """Make a call.

        Args:
            method: Name of the method, such as ``ModelInfer``.
            request: The request.
            answer: Type of the response.
            timeout: Maximum duration in seconds; at most the connection's.
            wait_for_ready: Whether to wait until the server is available.
            max_bytes: Maximum size of the response in bytes; at most `MAX_RESPONSE_BYTES`. It is checked before the
                response is parsed, which can take fifty times its size.

        Returns:
            The response.

        Raises:
            grpc.RpcError: If the server rejects the call, is unavailable, or does not respond in time.
            ValueError: If the response is too large or cannot be parsed.
        """
        trace = current_trace()
        call: Callable[..., bytes] = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=type(request).SerializeToString,
        )
        try:
            received = call(
                request,
                timeout=self.timeout if timeout is None else min(timeout, self.timeout),
                metadata=(*self._metadata, *(trace.headers if trace else ())),
                wait_for_ready=wait_for_ready,
            )
        except grpc.RpcError as error:
            details = error.details() or ""
            if any(refusal in details for refusal in _REFUSALS):
                raise ValueError(_TOO_LARGE) from None
            raise
        if len(received) > max_bytes:
            raise ValueError(_TOO_LARGE)
        try:
            return answer.FromString(received)
        except DecodeError:
            raise ValueError("the response cannot be parsed") from None

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
