"""Clients of the Open Inference Protocol that exist, each in a process of its own, against the running program."""

import shutil
from pathlib import Path

import pytest

from app import __version__
from app.bundle.manifest import Manifest
from tests.keys import make_key
from tests.known import REPOSITORY
from tests.live.clients.run import ROWS, Known, Told, run
from tests.live.program import Start


@pytest.fixture(scope="module")
def known() -> dict[str, Known]:
    """Every model."""
    return {name: Known(name) for name in ROWS}


@pytest.fixture
def asked(start: Start, tmp_path: Path, known: dict[str, Known]) -> Told:
    """A program of the test's own, and all that a client is told of it."""
    file = tmp_path / "keys.json"
    key, admin = make_key(file, "caller"), make_key(file, "ops", scopes={"predict", "admin"})
    folder = shutil.copytree(REPOSITORY / "models", tmp_path / "models")  # unloading writes there
    program = start(PORT="0", MODEL_URI=str(folder), API_KEYS_FILE="keys.json", AUTH_FAILURES_PER_MINUTE="0")
    models = {name: each.asked() for name, each in known.items()}
    return {"url": f"127.0.0.1:{program.port()}", "key": key, "admin": admin, "models": models}


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_every_call_of_tritonclient_works(asked: Told, known: dict[str, Known], kind: str) -> None:
    told = run("triton_http", kind, asked)
    assert told["live"] is told["ready"] is told["version ready"] is True and not told["no version ready"]
    assert told["model ready"] == [True] * len(known)
    assert (told["server"]["name"], told["server"]["version"]) == ("beer-model", __version__)
    assert {"model_repository", "binary_tensor_data", "statistics"} <= set(told["server"]["extensions"])
    for name, each in known.items():
        _infers(told["infer"][name], each)
        _described(told["metadata"][name], told["config"][name], each.manifest)
    assert told["version metadata"] == told["metadata"]["beer-ibu"]
    assert told["version config"] == told["config"]["beer-ibu"]
    _counted(told)
    _refused(told)
    _comes_and_goes(told, known["beer-ibu"])


def _infers(ways: Told, known: Known) -> None:
    all_outputs, backwards = [*known.outputs], [*known.outputs][::-1]
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
        got = ways[way]
        assert got["names"] == names, way
        assert got["outputs"] == {name: known.outputs[name] for name in names}, way
        assert (got["model_name"], got["model_version"]) == (known.manifest.name, "1"), way
        assert got.get("id") == ("one" if way == "packed" else None), way
        assert ("warnings" in got.get("parameters", {})) == ("parameters" in ways["binary"]), way


def _described(metadata: Told, config: Told, manifest: Manifest) -> None:
    inputs = [{"name": i.name, "datatype": "FP32", "shape": [-1, 1]} for i in manifest.inputs]
    outputs = [{"name": o.name, "datatype": o.datatype, "shape": [*o.shape]} for o in manifest.outputs]
    assert metadata["inputs"] == inputs and metadata["outputs"] == outputs
    assert (metadata["name"], metadata["versions"]) == (manifest.name, ["1"])
    assert [each["name"] for each in config["input"]] == [each["name"] for each in inputs]
    assert {each["data_type"] for each in config["input"]} == {"TYPE_FP32"}
    assert config["parameters"]["packed_input"] == {"string_value": "features"}


def _counted(told: Told) -> None:
    every = {each["name"]: each for each in told["statistics"]["model_stats"]}
    assert every.keys() >= ROWS.keys()
    for name, rows in ROWS.items():
        calls = len(told["infer"][name])
        assert (every[name]["execution_count"], every[name]["inference_count"]) == (calls, calls * len(rows))
        assert every[name]["inference_stats"]["success"]["ns"] > 0 and every[name]["last_inference"] > 1.7e12
    assert told["model statistics"] == told["version statistics"] == {"model_stats": [every["beer-ibu"]]}
    assert {(each["name"], each["version"], each["state"]) for each in told["index"]} == {
        (name, "1", "READY") for name in every
    }


def _refused(told: Told) -> None:
    expected = {
        "no key": "401", "no model": "404", "no version": "404", "half": "400", "no scope": "403",
        "unknown load": "404",
    }  # fmt: skip
    assert {what: told[what][0] for what in expected} == expected
    assert told["half"][1] == "inputs.abv: is required"


def _comes_and_goes(told: Told, known: Known) -> None:
    gone, back = told["unloaded"], told["loaded"]
    assert gone["ready"] is False and gone["infer"][0] == "503" and gone["infer"][1]
    assert {each["name"]: each["state"] for each in gone["index"]} == {
        each["name"]: "UNAVAILABLE" if each["name"] == "beer-ibu" else "READY" for each in told["index"]
    }
    assert back["ready"] is True and back["infer"]["outputs"] == known.outputs


@pytest.mark.parametrize("kind", ["kserve", "kserve-binary", "mlserver"])
def test_the_message_formats_of_other_clients_are_accepted(asked: Told, known: dict[str, Known], kind: str) -> None:
    for name, each in known.items():
        told = run("rest", kind, {**asked, "model": name, **asked["models"][name]})
        assert (told["model_name"], told["model_version"]) == (name, "1")
        assert told.get("id") == (None if kind == "mlserver" else "an-id")
        assert [output["name"] for output in told["outputs"]] == [*each.outputs]
        for output in told["outputs"]:
            _, shape, values = each.outputs[output["name"]]
            assert output["shape"] == shape
            assert output["data"] == [value for row in values for value in row]
