"""A client of the iris service with code generated from iris.proto, like the clients of the older services.

`python -m tests.live.clients.generated iris` reads ``{"url", "proto", "flowers"}`` from stdin, sends no key, and
prints the species.
"""

import json
import sys

import grpc


def main() -> None:
    """Generate the code, call the service and print the species."""
    arguments = json.load(sys.stdin)
    sys.path.insert(0, arguments["proto"])
    messages, services = grpc.protos_and_services("iris.proto")
    with grpc.insecure_channel(arguments["url"]) as channel:
        stub = services.IrisPredictorStub(channel)
        species = [stub.PredictIrisSpecies(messages.IrisPredictRequest(**f)).species for f in arguments["flowers"]]
    print(json.dumps({"species": species}))


main()
