"""Existing gRPC clients, each in its own process because their generated code clashes, against the program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from app import __version__
from app.bundle.store import read_bundle
from app.runtime.onnx import OnnxPredictor
from tests.committed import VERSIONS, committed, committed_models
from tests.keys import make_key
from tests.known import KEY, REPOSITORY
from tests.live.clients.run import ROWS, ExpectedModel, Json, run
from tests.live.program import Program, Start, environment

MEASURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@pytest.fixture(scope="module")
def expected_models() -> dict[str, ExpectedModel]:
    """The expected outputs of each model, by name."""
    return {name: ExpectedModel(name) for name in ROWS}


@pytest.fixture
def arguments(start: Start, tmp_path: Path, expected_models: dict[str, ExpectedModel]) -> Json:
    """The arguments of a client, for a program of the test's own."""
    file = tmp_path / "keys.json"
    key, admin = make_key(file, "caller"), make_key(file, "ops", scopes={"predict", "admin"})
    folder = shutil.copytree(committed_models(), tmp_path / "models")  # unloading writes there
    program = start(PORT="0", MODEL_URI=str(folder), API_KEYS_FILE="keys.json", AUTH_FAILURES_PER_MINUTE="0")
    models = {name: model.arguments() for name, model in expected_models.items()}
    return {"url": program.rpc(), "key": key, "admin": admin, "models": models}


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_every_call_of_tritonclient_works(
    arguments: Json, expected_models: dict[str, ExpectedModel], kind: str
) -> None:
    output = run("triton_grpc", kind, arguments)
    assert output["live"] is output["ready"] is True and output["model ready"] == [True] * len(expected_models)
    assert (output["server"]["name"], output["server"]["version"]) == ("beer-model", __version__)
    for name, model in expected_models.items():
        _check_inference(output["infer"][name], model)
        _check_metadata(output["metadata"][name], output["config"][name], model)
    assert {(model["name"], model["version"], model["state"]) for model in output["index"]["models"]} == {
        (name, version, "READY") for name, version in VERSIONS.items()
    }
    counted = {model["name"]: model for model in output["statistics"]["model_stats"]}
    for name, rows in ROWS.items():
        calls = len(output["infer"][name])
        assert int(counted[name]["execution_count"]) == calls
        assert int(counted[name]["inference_count"]) == calls * len(rows)
    expected = {
        "no key": "UNAUTHENTICATED",
        "no model": "NOT_FOUND",
        "no version": "NOT_FOUND",
        "half": "INVALID_ARGUMENT",
        "twice": "INVALID_ARGUMENT",
        "no scope": "PERMISSION_DENIED",
        "unknown load": "NOT_FOUND",
    }
    assert {case: output[case][0].removeprefix("StatusCode.") for case in expected} == expected
    assert output["half"][1] == "inputs.target_og: is required"
    assert output["unloaded"]["ready"] is False and output["unloaded"]["infer"][0] == "StatusCode.UNAVAILABLE"
    assert output["loaded"]["outputs"] == expected_models["beer-ibu"].outputs


def _check_inference(ways: Json, expected: ExpectedModel) -> None:
    last = [*expected.outputs][-1]
    for way, result in ways.items():
        outputs = {last: expected.outputs[last]} if way == "one output" else expected.outputs
        assert result["outputs"] == outputs, way
        assert (result["model_name"], result["model_version"]) == (expected.manifest.name, expected.version)
        assert result["id"] == ("one" if way == "packed" else "")
        assert result["warnings"] == ways["named"]["warnings"]


def _check_metadata(metadata: Json, config: Json, expected: ExpectedModel) -> None:
    inputs = [{"name": i.name, "datatype": "FP32", "shape": ["-1", "1"]} for i in expected.manifest.inputs]
    assert metadata["inputs"] == inputs
    assert [tensor["name"] for tensor in metadata["outputs"]] == [*expected.outputs]
    assert [tensor["name"] for tensor in config["config"]["input"]] == [tensor["name"] for tensor in inputs]
    assert config["config"]["parameters"]["packed_input"] == {"string_value": "features"}


@pytest.mark.parametrize(
    ("method", "request_", "part", "expected"),
    [
        ("grpc.health.v1.Health/Check", {}, "status", "SERVING"),
        ("ml.IrisPredictor/PredictIrisSpecies", dict(zip(MEASURES, ROWS["iris"][1], strict=True)), "species", 2),
        ("inference.GRPCInferenceService/ModelMetadata", {"name": "iris"}, "platform", "onnxruntime_onnx"),
    ],
)
def test_a_client_without_proto_files_calls_by_reflection(
    program: Program, method: str, request_: Json, part: str, expected: object
) -> None:
    output = run("reflecting", "call", {"url": program.rpc(), "key": KEY, "method": method, "request": request_})
    assert {"inference.GRPCInferenceService", "ml.IrisPredictor", "grpc.health.v1.Health"} <= set(output["services"])
    assert output["answer"][part] == expected


def test_a_client_generated_from_iris_proto_works_without_a_key(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="iris")
    rows = load_iris().data[::3].tolist()
    flowers = [dict(zip(MEASURES, row, strict=True)) for row in rows]
    output = run("generated", "iris", {"url": program.rpc(), "proto": str(REPOSITORY / "protos"), "flowers": flowers})
    bundle = read_bundle(committed("iris"))
    answers = OnnxPredictor(bundle).predict({"features": np.array(rows, np.float32)})
    assert output["species"] == answers["class_id"].ravel().tolist()


@pytest.mark.parametrize(
    ("row", "key", "printed", "code"),
    [
        (("5.1", "3.5", "1.4", "0.2"), KEY, "setosa", 0),
        (("6.7", "3.0", "5.2", "2.3"), KEY, "virginica", 0),
        (("5.1", "3.5", "1.4", "0.2"), "", "UNAUTHENTICATED: Send a valid API key", 1),
        (("51", "3.5", "1.4", "0.2"), KEY, "INVALID_ARGUMENT: inputs.sepal_length", 1),
    ],
)
def test_the_example_client_prints_the_species_or_the_error(
    program: Program, row: tuple[str, ...], key: str, printed: str, code: int
) -> None:
    host, _, port = program.rpc().partition(":")
    done = subprocess.run(
        [sys.executable, REPOSITORY / "examples" / "iris_client.py", *row, "--host", host, "--port", port],
        env={**environment(), "API_KEY": key, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code
    assert (done.stdout + done.stderr).startswith(printed)
