"""Existing clients of the Open Inference Protocol, each in its own process, against the running program."""

import shutil
from pathlib import Path

import pytest

from app import __version__
from app.bundle.manifest import Manifest
from tests.committed import VERSIONS, committed_models
from tests.keys import make_key
from tests.live.clients.run import ROWS, ExpectedModel, Json, run
from tests.live.program import Start


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
    return {"url": f"127.0.0.1:{program.port()}", "key": key, "admin": admin, "models": models}


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_every_call_of_tritonclient_works(
    arguments: Json, expected_models: dict[str, ExpectedModel], kind: str
) -> None:
    output = run("triton_http", kind, arguments)
    assert output["live"] is output["ready"] is output["version ready"] is True and not output["no version ready"]
    assert output["model ready"] == [True] * len(expected_models)
    assert (output["server"]["name"], output["server"]["version"]) == ("beer-model", __version__)
    assert {"model_repository", "binary_tensor_data", "statistics"} <= set(output["server"]["extensions"])
    for name, model in expected_models.items():
        _check_inference(output["infer"][name], model)
        _check_metadata(output["metadata"][name], output["config"][name], model.manifest)
    assert output["version metadata"] == output["metadata"]["beer-ibu"]
    assert output["version config"] == output["config"]["beer-ibu"]
    _check_statistics(output)
    _check_errors(output)
    _check_unload_and_load(output, expected_models["beer-ibu"])


def _check_inference(ways: Json, expected: ExpectedModel) -> None:
    all_outputs, backwards = [*expected.outputs], [*expected.outputs][::-1]
    for way, names in {
        "binary": all_outputs,
        "JSON": backwards,
        "packed": all_outputs,
        "packed JSON": all_outputs,
        "mixed": backwards[:2],
        "one output": backwards[:1],
        "gzip": all_outputs,
        "deflate": all_outputs,
    }.items():
        result = ways[way]
        assert result["names"] == names, way
        assert result["outputs"] == {name: expected.outputs[name] for name in names}, way
        assert (result["model_name"], result["model_version"]) == (expected.manifest.name, expected.version), way
        assert result.get("id") == ("one" if way == "packed" else None), way
        assert ("warnings" in result.get("parameters", {})) == ("parameters" in ways["binary"]), way


def _check_metadata(metadata: Json, config: Json, manifest: Manifest) -> None:
    inputs = [{"name": i.name, "datatype": "FP32", "shape": [-1, 1]} for i in manifest.inputs]
    outputs = [{"name": o.name, "datatype": o.datatype, "shape": [*o.shape]} for o in manifest.outputs]
    assert metadata["inputs"] == inputs and metadata["outputs"] == outputs
    assert (metadata["name"], metadata["versions"]) == (manifest.name, [VERSIONS[manifest.name]])
    assert [tensor["name"] for tensor in config["input"]] == [tensor["name"] for tensor in inputs]
    assert {tensor["data_type"] for tensor in config["input"]} == {"TYPE_FP32"}
    assert config["parameters"]["packed_input"] == {"string_value": "features"}


def _check_statistics(output: Json) -> None:
    statistics = {model["name"]: model for model in output["statistics"]["model_stats"]}
    assert statistics.keys() >= ROWS.keys()
    for name, rows in ROWS.items():
        calls = len(output["infer"][name])
        assert (statistics[name]["execution_count"], statistics[name]["inference_count"]) == (calls, calls * len(rows))
        assert statistics[name]["inference_stats"]["success"]["ns"] > 0 and statistics[name]["last_inference"] > 1.7e12
    assert output["model statistics"] == output["version statistics"] == {"model_stats": [statistics["beer-ibu"]]}
    assert {(model["name"], model["version"], model["state"]) for model in output["index"]} == {
        (name, VERSIONS[name], "READY") for name in statistics
    }


def _check_errors(output: Json) -> None:
    expected = {
        "no key": "401", "no model": "404", "no version": "404", "half": "400", "no scope": "403",
        "unknown load": "404",
    }  # fmt: skip
    assert {case: output[case][0] for case in expected} == expected
    assert output["half"][1] == "inputs.target_og: is required"


def _check_unload_and_load(output: Json, expected: ExpectedModel) -> None:
    unloaded, loaded = output["unloaded"], output["loaded"]
    assert unloaded["ready"] is False and unloaded["infer"][0] == "503" and unloaded["infer"][1]
    assert {model["name"]: model["state"] for model in unloaded["index"]} == {
        model["name"]: "UNAVAILABLE" if model["name"] == "beer-ibu" else "READY" for model in output["index"]
    }
    assert loaded["ready"] is True and loaded["infer"]["outputs"] == expected.outputs


@pytest.mark.parametrize("kind", ["kserve", "kserve-binary", "mlserver"])
def test_the_message_formats_of_other_clients_are_accepted(
    arguments: Json, expected_models: dict[str, ExpectedModel], kind: str
) -> None:
    for name, model in expected_models.items():
        output = run("rest", kind, {**arguments, "model": name, **arguments["models"][name]})
        assert (output["model_name"], output["model_version"]) == (name, VERSIONS[name])
        assert output.get("id") == (None if kind == "mlserver" else "an-id")
        assert [tensor["name"] for tensor in output["outputs"]] == [*model.outputs]
        for tensor in output["outputs"]:
            _, shape, values = model.outputs[tensor["name"]]
            assert tensor["shape"] == shape
            assert tensor["data"] == [value for row in values for value in row]
