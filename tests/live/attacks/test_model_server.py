"""A model server that answers nonsense: the caller gets an error that says so, and never a missing figure or a 500."""

import re
from math import inf, nan
from typing import Any

import pytest
from grpc import StatusCode

from app.domains.beer.schema import EXAMPLE_BEER
from app.domains.iris import EXAMPLE_FLOWER
from tests.committed import VERSIONS
from tests.live.program import Start
from tests.live.remote import READY, RIGHT, ask, front
from tests.live.rpc import caller, typed
from tests.live.wire import request
from tests.memory_limit import MemoryLimit
from tests.server_process import ServerProcess

AT = 4.25
BEER, FLOWER = {**EXAMPLE_BEER, "abv": AT}, {**EXAMPLE_FLOWER, "sepal_length": AT}
TENSORS = {"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 4], "data": [AT, 3, 1, 0.2]}]}


@pytest.mark.parametrize(
    ("wrong", "paths"),
    [
        ({"ibu": nan, "scores": nan}, ["/predict", "/predict/batch", "/iris/predict", "/v2/models/iris/infer"]),
        ({"ibu": inf, "scores": -inf}, ["/predict", "/predict/batch", "/iris/predict", "/v2/models/iris/infer"]),
        ({"ibu": 3e38, "class_id": 9}, ["/predict", "/predict/batch", "/iris/predict"]),
        ({"lower": 99.0, "upper": 1.0, "class_id": -1}, ["/predict", "/iris/predict"]),
    ],
    ids=["not a number", "infinite", "too large", "out of order"],
)
def test_an_output_that_is_no_answer_is_a_503_and_affects_no_other_call(
    start: Start, wrong: dict[str, float], paths: list[str]
) -> None:
    server = ServerProcess(wrong=wrong, wrong_at=AT)
    try:
        program = front(start, server)
        bodies = {"/predict": BEER, "/predict/batch": {"beers": [BEER]}, "/iris/predict": FLOWER}
        for path in paths:
            answer = ask(program, path, bodies.get(path, TENSORS))
            assert answer.status == 503 and b"null" not in answer.body, (path, answer)
            assert program.send(READY).status == 200
        assert ask(program, "/predict", EXAMPLE_BEER).status == 200
        assert ask(program, "/iris/predict", EXAMPLE_FLOWER).status == 200
        figures = program.send(request("GET", "/metrics", [RIGHT])).body.decode()
        for model in "beer-ibu", "iris":
            assert re.search(
                rf'^model_invalid_outputs_total{{model="{model}",version="{VERSIONS[model]}"}} [1-9]',
                figures,
                re.MULTILINE,
            )
        assert any("is not a valid answer" in str(line) for line in program.lines("output"))
        assert "Traceback" not in program.errors
    finally:
        server.kill()


@pytest.mark.parametrize(
    "large",
    [{"padding": 300_000_000}, {"padding": 100_000_000, "compressed": True}, {"empty_outputs": 1_000_000}],
    ids=["long", "compressed", "many parts"],
)
def test_a_response_far_larger_than_the_declared_outputs_takes_no_memory(
    start_limited: Start, memory: MemoryLimit, large: dict[str, Any]
) -> None:
    server = ServerProcess(wrong_at=AT, **large)
    try:
        program = front(start_limited, server)
        assert ask(program, "/predict", EXAMPLE_BEER).status == 200
        before = memory.peak
        answer = ask(program, "/predict", BEER)
        assert (answer.status, answer.json["code"]) == (503, "not_ready")
        assert memory.peak - before < 30 << 20 and not memory.killed
        assert program.lines("the response is too large")
        assert "Traceback" not in program.errors
    finally:
        server.kill()


FAULTS = ["shape", "datatype", "name", "missing", "rows", "model"]


def test_a_response_of_the_wrong_form_is_a_503_for_its_call_alone(start: Start) -> None:
    values = [4 + (2 * index + 1) / 16 for index in range(len(FAULTS))]  # exact in float32, and no beer's alcohol
    server = ServerProcess(faults={f"{value:.3f}": fault for value, fault in zip(values, FAULTS, strict=True)})
    try:
        program = front(start, server, GRPC_ENABLED="true")
        with caller(program.rpc()) as client:
            for value, fault in zip(values, FAULTS, strict=True):
                tensor = {"name": "features", "datatype": "FP32", "shape": [1, 4], "data": [value, 3, 1, 0.2]}
                for path, body in {
                    "/predict": {**EXAMPLE_BEER, "abv": value},
                    "/explain": {**EXAMPLE_BEER, "abv": value},
                    "/predict/batch": {"beers": [{**EXAMPLE_BEER, "abv": value}]},
                    "/iris/predict": {**EXAMPLE_FLOWER, "sepal_length": value},
                    "/v2/models/iris/infer": {"inputs": [tensor]},
                }.items():
                    assert ask(program, path, body).status == 503, (fault, path)
                assert client.infer(typed("iris", (value, 3, 1, 0.2))).code is StatusCode.UNAVAILABLE
                assert program.send(READY).status == 200, fault
                assert ask(program, "/predict", EXAMPLE_BEER).status == 200
        assert "the model server is unavailable" not in program.errors
        assert program.lines("the model server's response is invalid")
        assert "Traceback" not in program.errors
    finally:
        server.kill()


def test_a_server_that_fails_on_an_explanations_background_ends_the_start_with_a_reason(start: Start) -> None:
    server = ServerProcess(wrong={"ibu": nan}, wrong_rows=32)
    try:
        program = front(start, server)
        assert program.exit_code() == 3
        assert "the output for the explanation's background is not a valid answer" in program.errors
        assert "Traceback" not in program.errors
    finally:
        server.kill()
