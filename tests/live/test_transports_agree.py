"""Every transport returns the same numbers: 200 beers through each, compared bit for bit."""

import http.client
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.rpc._pb import open_inference_pb2 as pb
from tests.known import BEER, KEY
from tests.live.program import Program
from tests.live.rpc import caller

COUNT = 200
OUTPUTS = ("ibu", "lower", "upper", "lower_50", "upper_50", "lower_80", "upper_80")
MODEL = "beer-ibu"
Rows = NDArray[np.float32]
Answers = NDArray[np.float32]
"""Shape (`COUNT`, number of outputs), columns in `OUTPUTS` order."""


def _beers() -> Rows:
    """Return varied beers, some without optional values. All values are exact in float32."""
    random = np.random.default_rng(7)
    fg = random.uniform(1000, 1020, COUNT)
    og = fg + random.uniform(15, 90, COUNT)
    ebc = random.uniform(4, 120, COUNT)
    columns = [(og - fg) * 0.13125, og, fg, ebc, ebc / 1.97, random.uniform(3.2, 5.8, COUNT)]
    rows = np.round(np.array(columns, np.float32).T * 8) / 8
    rows[::5, 5] = np.nan
    rows[::7, 3:5] = np.nan
    return rows.astype(np.float32)


def _fields(row: list[float]) -> dict[str, float]:
    return {name: value for name, value in zip(BEER, row, strict=True) if not np.isnan(value)}


@pytest.fixture(scope="module")
def rows() -> Rows:
    """The beers."""
    return _beers()


@pytest.fixture(scope="module")
def raw(program: Program, rows: Rows) -> Answers:
    """The outputs of gRPC for one raw tensor, with which all others are compared."""
    request = pb.ModelInferRequest(model_name=MODEL, raw_input_contents=[rows.tobytes()])
    request.inputs.add(name="features", datatype="FP32", shape=rows.shape)
    with caller(program.rpc()) as client:
        message = client.infer(request).message
    assert [output.name for output in message.outputs] == [*OUTPUTS] and not message.outputs[0].HasField("contents")
    return np.stack([np.frombuffer(content, np.float32) for content in message.raw_output_contents], axis=1)


def _post(program: Program, path: str, body: bytes, **headers: str) -> tuple[bytes, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", program.port(), timeout=30)
    try:
        connection.request("POST", path, body, {"X-API-Key": KEY, "Content-Type": "application/json", **headers})
        response = connection.getresponse()
        content = response.read()
        assert response.status == 200, content
        return content, response.headers
    finally:
        connection.close()


def _assert_equal(values: Any, raw: Answers) -> None:
    assert np.array_equal(np.array(values, np.float64), raw.astype(np.float64))


def test_typed_grpc_contents_give_the_same_numbers(program: Program, rows: Rows, raw: Answers) -> None:
    request = pb.ModelInferRequest(model_name=MODEL)
    for name, column in zip(BEER, rows.T, strict=True):
        tensor = request.inputs.add(name=name, datatype="FP32", shape=[COUNT, 1])
        tensor.contents.fp32_contents.extend(column.tolist())
    with caller(program.rpc()) as client:
        message = client.infer(request).message
    assert not message.raw_output_contents
    _assert_equal(np.array([output.contents.fp32_contents for output in message.outputs]).T, raw)


def test_grpc_calls_with_single_rows_give_the_same_numbers(program: Program, rows: Rows, raw: Answers) -> None:
    answers = []
    with caller(program.rpc()) as client:
        for row in rows:
            request = pb.ModelInferRequest(model_name=MODEL, raw_input_contents=[row.tobytes()])
            request.inputs.add(name="features", datatype="FP32", shape=[1, len(BEER)])
            answers.append([np.frombuffer(x, np.float32)[0] for x in client.infer(request).message.raw_output_contents])
    _assert_equal(answers, raw)


def test_v2_json_gives_the_same_numbers(program: Program, rows: Rows, raw: Answers) -> None:
    inputs = [
        {"name": name, "datatype": "FP32", "shape": [COUNT, 1], "data": column.tolist()}
        for name, column in zip(BEER, rows.T, strict=True)
    ]
    content, _ = _post(program, f"/v2/models/{MODEL}/infer", json.dumps({"inputs": inputs}).encode())
    _assert_equal(np.array([output["data"] for output in json.loads(content)["outputs"]]).T, raw)


def test_v2_binary_data_gives_the_same_numbers(program: Program, rows: Rows, raw: Answers) -> None:
    size = {"binary_data_size": rows.nbytes}
    tensor = {"name": "features", "datatype": "FP32", "shape": rows.shape, "parameters": size}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    body = head + rows.tobytes()
    length = {"Inference-Header-Content-Length": str(len(head))}
    content, headers = _post(program, f"/v2/models/{MODEL}/infer", body, **length)
    start = int(headers["Inference-Header-Content-Length"])
    data = content[start:]
    _assert_equal(np.frombuffer(data, np.float32).reshape(len(OUTPUTS), COUNT).T, raw)


def _rounded(raw: Answers) -> list[list[float]]:
    """Round estimate and interval as the domain routes do, to one decimal."""
    rounded: list[list[float]] = (np.rint(raw[:, :3].astype(np.float64) * 10) / 10).tolist()
    return rounded


def _values(answer: dict[str, Any]) -> list[float]:
    return [answer["ibu"], answer["interval"]["lower"], answer["interval"]["upper"]]


def test_predict_gives_the_same_numbers(program: Program, rows: Rows, raw: Answers) -> None:
    answers = [_post(program, "/predict", json.dumps(_fields(row)).encode())[0] for row in rows.tolist()]
    assert [_values(json.loads(answer)) for answer in answers] == _rounded(raw)


def test_predict_batch_gives_the_same_numbers(program: Program, rows: Rows, raw: Answers) -> None:
    body = json.dumps({"beers": [_fields(row) for row in rows.tolist()]}).encode()
    answers = json.loads(_post(program, "/predict/batch", body)[0])
    assert [_values(answer) for answer in answers["predictions"]] == _rounded(raw)
