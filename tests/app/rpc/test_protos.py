"""The generated messages: made from what stands in protos/, and the same on the wire as a Triton client's."""

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
    """Messages, enumerations and services by their full names; in a process of its own, as the names are the same."""
    command = [sys.executable, "-c", _DESCRIBE, *modules]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return _by_name("", json.loads(told.stdout))


def _by_name(under: str, holder: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for kind, parts in (
        ("messageType", "field"),
        ("nestedType", "field"),
        ("enumType", "value"),
        ("service", "method"),
    ):
        for one in holder.get(kind, []):
            name = f"{under}.{one['name']}"
            found[name] = {part["name"]: part for part in one.get(parts, [])}
            found |= _by_name(name, one)
    return found


def test_they_are_made_from_the_protos_that_are_there(tmp_path: Path) -> None:
    subprocess.run([REPOSITORY / "scripts" / "protos.sh", tmp_path], check=True, env={"PATH": _path()})
    made, kept = tmp_path / "app" / "rpc" / "_pb", REPOSITORY / "app" / "rpc" / "_pb"
    names = {path.name for path in made.iterdir()}
    assert names | {"__init__.py"} == {path.name for path in kept.iterdir() if path.is_file()}
    for name in names:
        assert (made / name).read_text("utf-8") == (kept / name).read_text("utf-8"), f"{name}: run scripts/protos.sh"


def _path() -> str:
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def test_every_name_number_and_type_is_that_of_tritons_client() -> None:
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


def test_what_the_other_clients_say_of_iris_is_understood() -> None:
    described = _described("app.rpc._pb.iris_pb2")
    measures = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    request = described[".IrisPredictRequest"]
    assert [(request[name]["number"], request[name]["type"]) for name in measures] == [
        (number, "TYPE_DOUBLE") for number in (1, 2, 3, 4)
    ]
    assert described[".IrisPredictReply"]["species"]["number"] == 1
    assert described[".IrisPredictor"]["PredictIrisSpecies"]["inputType"] == ".ml.IrisPredictRequest"
