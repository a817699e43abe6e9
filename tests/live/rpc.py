"""A gRPC client for tests. It sends messages or bytes and returns a message or a status."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

import app.rpc  # noqa: F401  # before gRPC: keeps it from writing to stderr
from app.rpc._pb import open_inference_pb2 as pb
from tests.known import KEY

PATIENCE = 30.0
INFERENCE = "/inference.GRPCInferenceService/"
HEALTH = "/grpc.health.v1.Health/"
BEER_ROW = (5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4)
FLOWER_ROW = (5.1, 3.5, 1.4, 0.2)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a call."""

    code: grpc.StatusCode
    details: str
    trailing: dict[str, str]
    message: Any = None


class Caller:
    """Calls the methods of one server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel

    def call(
        self,
        method: str,
        request: Message | bytes,
        answer: type[Message] | None = None,
        key: str | None = KEY,
        metadata: Sequence[tuple[str, str]] = (),
        timeout: float = PATIENCE,
        **more: Any,
    ) -> Outcome:
        """Make a call and return its outcome. Errors are outcomes, too."""
        sent = request.SerializeToString() if isinstance(request, Message) else request
        keyed = (*metadata, *((("x-api-key", key),) if key is not None else ()))
        unary = self.channel.unary_unary(method, response_deserializer=answer.FromString if answer else None)
        try:
            message, call = unary.with_call(sent, metadata=keyed, timeout=timeout, **more)
        except grpc.RpcError as error:
            return _outcome(error, None)
        return _outcome(call, message)

    def infer(self, request: pb.ModelInferRequest, **more: Any) -> Outcome:
        """Call ModelInfer."""
        return self.call(f"{INFERENCE}ModelInfer", request, pb.ModelInferResponse, **more)


def _outcome(call: Any, message: Any) -> Outcome:
    trailing = {item.key: item.value for item in call.trailing_metadata() or ()}
    return Outcome(call.code(), call.details(), trailing, message)


@contextmanager
def caller(address: str, credentials: grpc.ChannelCredentials | None = None, **options: Any) -> Iterator[Caller]:
    """Yield a client with a new connection."""
    chosen = [("grpc.use_local_subchannel_pool", 1), *options.items()]
    if credentials is None:
        channel = grpc.insecure_channel(address, chosen)
    else:
        channel = grpc.secure_channel(address, credentials, chosen)
    with channel:
        yield Caller(channel)


def typed(model: str, row: Sequence[float], **more: Any) -> pb.ModelInferRequest:
    """Build a request with one row in the tensor ``features``, as typed contents."""
    request = pb.ModelInferRequest(model_name=model, **more)
    features = request.inputs.add(name="features", datatype="FP32", shape=[1, len(row)])
    features.contents.fp32_contents.extend(row)
    return request
