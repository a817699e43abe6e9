"""Calls the iris predictor over gRPC: ``python examples/iris_client.py 5.1 3.5 1.4 0.2``.

The model must be public (PUBLIC_MODELS=iris), or the environment variable API_KEY must hold a key.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from app.rpc._pb.iris_pb2 import IrisPredictReply, IrisPredictRequest  # noqa: E402

SPECIES = ("setosa", "versicolor", "virginica")
"""Name of each class id."""
METHOD = "/ml.IrisPredictor/PredictIrisSpecies"
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Flower:
    """Dimensions of a flower in cm."""

    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


class IrisClient:
    """A client of the iris predictor; use it in a ``with`` statement."""

    def __init__(self, host: str, port: int, key: str = "") -> None:
        """Create the client.

        Args:
            host: Host name or address of the server.
            port: gRPC port of the server.
            key: API key; empty to send no key.
        """
        self._channel = grpc.insecure_channel(f"{host}:{port}")
        self._call = self._channel.unary_unary(
            METHOD,
            request_serializer=IrisPredictRequest.SerializeToString,
            response_deserializer=IrisPredictReply.FromString,
        )
        self._metadata = (("x-api-key", key),) if key else ()

    def __enter__(self) -> "IrisClient":
        return self

    def __exit__(self, *exception: object) -> None:
        self._channel.close()

    def species(self, flower: Flower) -> str:
        """Predict the species of a flower.

        Raises:
            grpc.RpcError: If the server cannot be reached or rejects the call.
        """
        request = IrisPredictRequest(
            sepal_length=flower.sepal_length,
            sepal_width=flower.sepal_width,
            petal_length=flower.petal_length,
            petal_width=flower.petal_width,
        )
        reply: IrisPredictReply = self._call(request, metadata=self._metadata, timeout=TIMEOUT_SECONDS)
        return SPECIES[reply.species]


def main() -> int:
    """Print the species of the flower on the command line."""
    parser = argparse.ArgumentParser(description="Predict the species of an iris flower.")
    for name in ("sepal_length", "sepal_width", "petal_length", "petal_width"):
        parser.add_argument(name, type=float, help="cm")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=50052)
    arguments = vars(parser.parse_args())
    with IrisClient(arguments.pop("host"), arguments.pop("port"), os.environ.get("API_KEY", "")) as client:
        try:
            print(client.species(Flower(**arguments)))
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
