"""The table of gRPC errors in docs/protocols.md: each invalid call is made, and its error compared."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.rpc._pb import open_inference_pb2 as pb
from tests.committed import committed_models
from tests.keys import make_key
from tests.known import BEER, REPOSITORY
from tests.live.program import Start
from tests.live.rpc import BEER_ROW, INFERENCE, Caller, Outcome, caller, typed

MODEL = "beer-ibu"
_TABLE = re.compile(r"^\| what \| code \| details \|\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)


def named(change: Callable[[pb.ModelInferRequest], object] = lambda request: None) -> pb.ModelInferRequest:
    """A valid call with one tensor per feature, after a change."""
    request = pb.ModelInferRequest(model_name=MODEL)
    for name, value in zip(BEER, BEER_ROW, strict=True):
        tensor = request.inputs.add(name=name, datatype="FP32", shape=[1, 1])
        tensor.contents.fp32_contents.append(value)
    change(request)
    return request


def first(**fields: object) -> pb.ModelInferRequest:
    """A valid call with changed fields of its first input."""

    def change(request: pb.ModelInferRequest) -> None:
        changed = pb.ModelInferRequest.InferInputTensor(name="abv", datatype="FP32", shape=[1, 1])
        changed.contents.fp32_contents.append(BEER_ROW[0])
        for name, value in fields.items():
            if isinstance(value, list):
                del getattr(changed, name)[:]
                getattr(changed, name).extend(value)
            elif isinstance(value, pb.InferTensorContents):
                changed.contents.CopyFrom(value)
            else:
                setattr(changed, name, value)
        request.inputs[0].CopyFrom(changed)

    return named(change)


def raw(*contents: bytes) -> pb.ModelInferRequest:
    """A call with the packed tensor in raw contents."""
    request = pb.ModelInferRequest(model_name=MODEL, raw_input_contents=contents)
    request.inputs.add(name="features", datatype="FP32", shape=[1, 6])
    return request


def values(*fp32: float) -> pb.InferTensorContents:
    """Return typed contents."""
    return pb.InferTensorContents(fp32_contents=fp32)


ROW = np.array(BEER_ROW, np.float32).tobytes()
INVALID_CALLS: dict[str, pb.ModelInferRequest] = {
    "unknown model": typed("wine", BEER_ROW),
    "unknown version": typed(MODEL, BEER_ROW, model_version="7"),
    "no input": pb.ModelInferRequest(model_name=MODEL),
    "input missing": named(lambda request: request.inputs.pop(1)),
    "input unknown": first(name="strength"),
    "input twice": named(lambda request: request.inputs.append(request.inputs[0])),
    "more data than the shape takes": first(contents=values(5, 6)),
    "less data than the shape takes": first(shape=[2, 1]),
    "raw data of another size": raw(ROW[:-1]),
    "raw and typed data": named(lambda request: request.raw_input_contents.extend([ROW[:4]] * 6)),
    "raw data for some inputs": named(lambda request: request.raw_input_contents.append(ROW[:4])),
    "data in the list of another datatype": first(contents=pb.InferTensorContents(fp64_contents=[5.6])),
    "no data": first(contents=values()),
    "no rows": first(shape=[0, 1], contents=values()),
    "wrong rank": first(shape=[1]),
    "wrong shape": first(shape=[1, 2], contents=values(5, 6)),
    "a shape that no tensor has": first(shape=[-1, 1]),
    "wrong datatype": first(datatype="FP64", contents=pb.InferTensorContents(fp64_contents=[5.6])),
    "unknown datatype": first(datatype="BYTES"),
    "not a number in a required input": named(
        lambda request: request.inputs[1].contents.CopyFrom(values(float("nan")))
    ),
    "out of bounds": first(contents=values(71)),
    "unknown output": named(lambda request: request.outputs.add(name="colour")),
    "output twice": named(lambda request: [request.outputs.add(name="ibu") for _ in "12"]),
}


def test_the_errors_match_the_table(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key, admin = make_key(file, "caller"), make_key(file, "ops", scopes={"predict", "admin"})
    limited = make_key(file, "limited", rate="1/hour")
    models = shutil.copytree(committed_models(), tmp_path / "models")
    program = start(PORT="0", MODEL_URI=str(models), API_KEYS_FILE="keys.json", GRPC_MAX_MESSAGE="100000")
    with caller(program.rpc()) as client:
        outcomes = {case: client.infer(request, key=key) for case, request in INVALID_CALLS.items()}
        outcomes |= _others(client, key, admin, limited)
    measured = [
        [case, outcome.code.name, re.sub(r" \(\d+ vs\. \d+\)", "", outcome.details)]
        for case, outcome in outcomes.items()
    ]
    match = _TABLE.search((REPOSITORY / "docs" / "protocols.md").read_text("utf-8"))
    table = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in match[1].splitlines()] if match else []
    assert table == measured, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in measured)
    assert int(outcomes["too many calls"].trailing["retry-after"]) > 3000


def _others(client: Caller, key: str, admin: str, limited: str) -> dict[str, Outcome]:
    beer, load = typed(MODEL, BEER_ROW), pb.RepositoryModelLoadRequest(model_name=MODEL)
    load.parameters["config"].string_param = "{}"
    client.infer(beer, key=limited)
    outcomes = {
        "no message of this kind": client.call(f"{INFERENCE}ModelInfer", b"\xff", key=key),
        "too large": client.infer(raw(bytes(100_001)), key=key),
        "no key": client.infer(beer, key=None),
        "no scope": client.call(f"{INFERENCE}RepositoryModelUnload", b"", key=key),
        "too many calls": client.infer(beer, key=limited),
        "parameters for loading": client.call(f"{INFERENCE}RepositoryModelLoad", load, key=admin),
        "unknown service or method": client.call("/wine.Cellar/Open", b"", key=key),
    }
    unload = pb.RepositoryModelUnloadRequest(model_name=MODEL)
    client.call(f"{INFERENCE}RepositoryModelUnload", unload, key=admin)
    return {**outcomes, "model unloaded": client.infer(beer, key=key)}
