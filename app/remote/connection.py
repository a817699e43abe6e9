"""The connection to a model server: one channel for all calls, with key, deadline and trace."""

import json
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from app.telemetry.trace import current_trace

SERVICE = "inference.GRPCInferenceService"
ATTEMPTS = 4
"""Most attempts of a call while the server does not answer; the deadline holds for all together."""
KEEP_ALIVE_MS = 10_000
"""Between two looks at whether the other end is still there: a machine that vanished never closes a connection."""
LONGEST_PAUSE_MS = 1000
"""Between two attempts to connect."""

AnswerT = TypeVar("AnswerT", bound=Message)

_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": ATTEMPTS,
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
    ("grpc.max_receive_message_length", -1),  # the other end is trusted, and rows are few
    ("grpc.keepalive_time_ms", KEEP_ALIVE_MS),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", LONGEST_PAUSE_MS),
)


class Connection:
    """Calls a model server, and connects again by itself; safe to use from several threads."""

    def __init__(self, target: str, secure: bool = False, key: str = "", timeout: float = 5.0) -> None:
        """Initialize the connection.

        Args:
            target: ``host:port``.
            secure: Whether to speak TLS, with the system's certificates.
            key: Sent as ``x-api-key``; empty: none.
            timeout: Most seconds that a call may take.
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
        patient: bool = False,
    ) -> AnswerT:
        """Make a call.

        Args:
            method: Name of the protocol's method: ``ModelInfer``.
            request: Its request.
            answer: Kind of its answer.
            timeout: Most seconds, where they are fewer than the connection's.
            patient: Whether to wait until the server is there.

        Returns:
            The answer.

        Raises:
            grpc.RpcError: The server refused it, is away, or took too long.
        """
        trace = current_trace()
        ask = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        told: AnswerT = ask(
            request,
            timeout=self.timeout if timeout is None else min(timeout, self.timeout),
            metadata=(*self._metadata, *(trace.headers if trace else ())),
            wait_for_ready=patient,
        )
        return told

    def close(self) -> None:
        """Let go of the server."""
        self._channel.close()
