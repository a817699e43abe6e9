"""Public models answer without a key; every other route requires one."""

import io
import json

import pytest
from PIL import Image

from app.domains.iris import EXAMPLE_ANSWER, EXAMPLE_FLOWER
from app.rpc._pb.open_inference_pb2 import ModelMetadataRequest
from tests.known import KEY
from tests.live.keyless import OPEN, WITHOUT
from tests.live.program import Program, Start
from tests.live.rpc import INFERENCE, caller
from tests.live.wire import request

FLOWER = json.dumps(EXAMPLE_FLOWER).encode()
BEER = b'{"abv": 5.6, "target_og": 1056, "target_fg": 1013}'


@pytest.fixture
def program(start: Start) -> Program:
    """The program with a public iris model and without a limit on failed keys."""
    return start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="iris", AUTH_FAILURES_PER_MINUTE="0")


def test_a_public_model_answers_without_a_key(program: Program) -> None:
    answer = program.send(request("POST", "/iris/predict", [], FLOWER))
    assert (answer.status, answer.json) == (200, EXAMPLE_ANSWER)
    assert program.send(request("POST", "/iris/predict", [], b'{"sepal_length": 31}')).status == 422
    assert program.send(request("POST", "/iris/predict", [("X-API-Key", KEY)], FLOWER)).status == 200


@pytest.mark.parametrize("case", ["empty", "wrong", "almost", "two keys", "right and wrong", "bytes"])
def test_an_invalid_key_is_rejected_even_for_a_public_model(program: Program, case: str) -> None:
    assert program.send(request("POST", "/iris/predict", WITHOUT[case], FLOWER)).status == 401


def test_every_other_route_requires_a_key(program: Program) -> None:
    documented = program.send(request("GET", "/openapi.json")).json["paths"]
    private = documented.keys() - OPEN.keys() - {"/iris/predict"}
    assert {"/predict", "/predict/batch", "/explain", "/model", "/metrics"} <= private
    similar = {
        "//iris/predict",
        "/iris",
        "/iris/../predict",
        "/iris/predict%2F..%2F..%2Fpredict",
        "/v2/models",
        "/v2/models/",
        "/v2/models/beer-ibu",
        "/v2/models/beer-ibu/infer",
        "/v2/models//iris/infer",
        "/v2/models/iris-2/infer",
        "/v2/models/stats",
        "/v2/repository/index",
        "/v2/repository/models/iris/unload",
        "/v2/models/beer-ibu/versions/1/infer",
    }
    for path in sorted(private | similar):
        for verb in "GET", "POST":
            assert program.send(request(verb, path, [], BEER)).status == 401, (verb, path)
    # A misspelt public route is redirected to it, and to nothing else.
    redirect = program.send(request("POST", "/iris/predict/", [], FLOWER))
    assert (redirect.status, redirect.header("location")) == (308, "../predict")


def test_a_route_of_several_models_is_public_only_if_all_of_them_are(start: Start) -> None:
    partly_public = start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="beer-ibu")
    assert partly_public.send(request("POST", "/predict", [], BEER)).status == 401
    public = start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="beer-ibu, beer-ibu-recipe, beer-ibu-style")
    assert public.send(request("POST", "/predict", [], BEER)).status == 200
    assert public.send(request("POST", "/iris/predict", [], FLOWER)).status == 401


def test_an_unknown_public_model_stops_the_start(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="iris,tulips")
    assert program.exit_code() == 2
    assert "PUBLIC_MODELS: names a model that is not served; there are beer-ibu, beer-ibu-recipe, " in program.errors
    assert "tulips" not in program.errors and "Traceback" not in program.errors


def test_a_call_without_a_key_is_logged_without_a_key_id(program: Program) -> None:
    program.send(request("POST", "/iris/predict", [("X-Request-ID", "without")], FLOWER))
    line = next(line for line in program.lines("without") if line.get("request_id") == "without")
    assert (line["route"], line["status"]) == ("/iris/predict", 200) and not line.get("key_id")


def test_the_open_inference_protocol_requires_a_key_except_for_public_models(program: Program) -> None:
    tensor = {"name": "features", "datatype": "FP32", "shape": [1, 4], "data": list(EXAMPLE_FLOWER.values())}
    body = json.dumps({"inputs": [tensor]}).encode()
    for path in "/v2/models/iris/infer", "/v2/models/iris/versions/1/infer":
        answer = program.send(request("POST", path, [], body))
        assert answer.status == 200 and answer.json["outputs"][0]["data"] == [0], path
        assert program.send(request("POST", path, [("X-API-Key", "wrong-key-of-some-length")], body)).status == 401
    assert program.send(request("GET", "/v2/models/iris")).status == 200
    for path in "/v2/models/beer-ibu/infer", "/v2/models/beer-ibu/versions/1/infer", "/v2/repository/models/iris/load":
        assert program.send(request("POST", path, [], body)).status == 401, path
    with caller(program.rpc()) as client:
        codes = {
            name: client.call(f"{INFERENCE}ModelMetadata", ModelMetadataRequest(name=name), key=None).code.name
            for name in ("iris", "beer-ibu", "")
        }
    assert codes == {"iris": "OK", "beer-ibu": "UNAUTHENTICATED", "": "UNAUTHENTICATED"}


def test_a_picture_without_a_key_takes_a_quarter_of_the_memory_budget_at_most(start: Start) -> None:
    """Decoding 2000 x 2000 pixels takes more than 10 MB."""
    program = start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="cat-dog", MEMORY_BUDGET="40000000")
    file = io.BytesIO()
    Image.new("RGB", (2000, 2000)).save(file, "PNG")
    headers: list[tuple[str, str | bytes]] = [("Content-Type", "image/png")]
    assert program.send(request("POST", "/pets/predict", headers, file.getvalue())).status == 413
    assert program.send(request("POST", "/pets/predict", [*headers, ("X-API-Key", KEY)], file.getvalue())).status == 200
