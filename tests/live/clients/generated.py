"""A client of the iris predictor's contract with code that protoc makes from it, as the older services' clients have.

`python -m tests.live.clients.generated iris` reads ``{"url", "proto", "flowers"}``; it sends no key, and prints the
species.
"""

import json
import sys

import grpc


def main() -> None:
    """Make the code, ask, print."""
    asked = json.load(sys.stdin)
    sys.path.insert(0, asked["proto"])
    messages, services = grpc.protos_and_services("iris.proto")
    with grpc.insecure_channel(asked["url"]) as channel:
        stub = services.IrisPredictorStub(channel)
        species = [stub.PredictIrisSpecies(messages.IrisPredictRequest(**f)).species for f in asked["flowers"]]
    print(json.dumps({"species": species}))


main()
