"""Calls to a program that runs its models on a model server."""

import base64
import json

from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE
from app.domains.iris import EXAMPLE_FLOWER
from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.wire import Answer, request
from tests.pictures import encoded, synthetic_image
from tests.server_process import ServerProcess

RIGHT = ("X-API-Key", KEY)
READY = request("GET", "/health/ready")
CALLS = {
    "/predict": EXAMPLE_BEER,
    "/explain": EXAMPLE_RECIPE,
    "/predict/batch": {"beers": [EXAMPLE_BEER, {**EXAMPLE_RECIPE, "explain": False}] * 200},
    "/iris/predict": EXAMPLE_FLOWER,
    "/pets/predict": {"image_b64": base64.b64encode(encoded(synthetic_image(), "JPEG")).decode()},
}


def front(start: Start, server: ServerProcess, **more: str) -> Program:
    return start(API_KEY=KEY, PORT="0", MODEL_SERVER=f"grpc://{server.target}", **more)


def ask(program: Program, path: str, body: object, *headers: tuple[str, str]) -> Answer:
    return program.send(request("POST", path, [RIGHT, *headers], json.dumps(body).encode()))
