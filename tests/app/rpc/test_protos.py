"""The generated protobuf modules: up to date with protos/, and compatible with Triton's client."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.known import REPOSITORY

_DESCRIBE = """
import importlib, json, sys
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.json_format import MessageToDict
made = FileDescriptorProto()
for name in sys.argv[1:]:
    importlib.import_module(name).DESCRIPTOR.CopyToProto(one := FileDescriptorProto())
    made.MergeFrom(one)
print(json.dumps(MessageToDict(made)))
"""


def _described(*modules: str) -> dict[str, Any]:
    """Messages, enumerations and services by full name, read in a child process: the modules declare the same names."""
    command = [sys.executable, "-c", _DESCRIBE, *modules]
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return _by_name("", json.loads(output.stdout))


def _by_name(under: str, holder: dict[str, Any]) -> dict[str, Any]:
    described = {}
    for kind, parts in (
        ("messageType", "field"),
        ("nestedType", "field"),
        ("enumType", "value"),
        ("service", "method"),
    ):
        for item in holder.get(kind, []):
            name = f"{under}.{item['name']}"
            described[name] = {part["name"]: part for part in item.get(parts, [])}
            described |= _by_name(name, item)
    return described


def test_the_modules_are_generated_from_the_protos(tmp_path: Path) -> None:
    subprocess.run([REPOSITORY / "scripts" / "protos.sh", tmp_path], check=True, env={"PATH": _path()})
    generated, committed = tmp_path / "app" / "rpc" / "_pb", REPOSITORY / "app" / "rpc" / "_pb"
    names = {path.name for path in generated.iterdir()}
    assert names | {"__init__.py"} == {path.name for path in committed.iterdir() if path.is_file()}
    for name in names:
        assert (generated / name).read_text("utf-8") == (committed / name).read_text("utf-8"), (
            f"{name}: run scripts/protos.sh"
        )


def _path() -> str:
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def test_names_numbers_and_types_match_tritons_client() -> None:
    pytest.importorskip("tritonclient")
    ours = _described("app.rpc._pb.open_inference_pb2")
    theirs = _described("tritonclient.grpc.service_pb2", "tritonclient.grpc.model_config_pb2")
    assert len(ours[".GRPCInferenceService"]) == 11
    for name, parts in ours.items():
        assert name in theirs, name
        for part, described in parts.items():
            wanted = theirs[name].get(part, {})
            assert _bare(described) == _bare(wanted), f"{name}.{part}"


def _bare(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in ("jsonName", "options")}


def test_existing_clients_of_the_iris_service_are_compatible() -> None:
    described = _described("app.rpc._pb.iris_pb2")
    measures = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    request = described[".IrisPredictRequest"]
    assert [(request[name]["number"], request[name]["type"]) for name in measures] == [
        (number, "TYPE_DOUBLE") for number in (1, 2, 3, 4)
    ]
    assert described[".IrisPredictReply"]["species"]["number"] == 1
    assert described[".IrisPredictor"]["PredictIrisSpecies"]["inputType"] == ".ml.IrisPredictRequest"
