"""Messages: a call's arrays to the protocol's and back, and whether a server's metadata fit a manifest."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.bundle.manifest import Input, Manifest, Output
from app.errors import BundleError, InputError
from app.oip.signature import ModelSignature
from app.oip.tensors import DTYPES, from_bytes, from_list
from app.rpc._pb.open_inference_pb2 import ModelInferRequest, ModelInferResponse, ModelMetadataResponse
from app.runtime.predictor import Array, Arrays

_CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}


def takes_packed(manifest: Manifest, told: ModelMetadataResponse) -> bool:
    """Whether a server takes the one tensor that stands for all inputs; else it takes one an input.

    Args:
        manifest: What the model is to be.
        told: What the server says of it.

    Raises:
        BundleError: An input or an output is missing there, or has another datatype or shape.
    """
    outputs = {each.name: each for each in told.outputs}
    inputs = {each.name: each for each in told.inputs}
    for output in manifest.outputs:
        _agree("output", output, outputs.get(output.name))
    packed = ModelSignature(manifest).packed
    if packed is not None and packed.name in inputs:
        _agree("input", packed, inputs[packed.name])
        return True
    for declared in manifest.inputs:
        _agree("input", declared, inputs.get(declared.name))
    return False


def _agree(what: str, declared: Input | Output, told: Any) -> None:
    if told is None:
        raise BundleError(f"the model server has no {what} {declared.name}")
    shape = list(told.shape)
    fits = len(shape) == len(declared.shape) and all(
        -1 in (one, other) or one == other for one, other in zip(shape, declared.shape, strict=True)
    )
    if told.datatype != declared.datatype or not fits:
        raise BundleError(
            f"the model server's {what} {declared.name} is {told.datatype} {shape}, "
            f"not {declared.datatype} {list(declared.shape)}"
        )


def request(manifest: Manifest, version: str, packed: bool, inputs: Arrays) -> ModelInferRequest:
    """The call for some rows.

    Args:
        manifest: Of the model.
        version: The version, as the server names it; empty: its only one.
        packed: From `takes_packed`.
        inputs: See `Predictor.predict`.
    """
    asked = ModelInferRequest(model_name=manifest.name, model_version=version)
    asked.outputs.extend(ModelInferRequest.InferRequestedOutputTensor(name=each.name) for each in manifest.outputs)
    for name, datatype, array in _tensors(manifest, packed, inputs):
        asked.inputs.add(name=name, datatype=datatype, shape=array.shape)
        asked.raw_input_contents.append(array.astype(DTYPES[datatype], order="C", copy=False).tobytes())
    return asked


def _tensors(manifest: Manifest, packed: bool, inputs: Arrays) -> Sequence[tuple[str, str, Array]]:
    whole = inputs.get(manifest.packed) if manifest.packed else None
    if whole is None:
        return [(each.name, each.datatype, inputs[each.name]) for each in manifest.inputs]
    if packed and manifest.packed:
        return [(manifest.packed, "FP32", whole)]
    return [
        (each.name, each.datatype, column)
        for each, column in zip(manifest.inputs, np.hsplit(whole, len(manifest.inputs)), strict=True)
    ]


def answer(manifest: Manifest, version: str, rows: int, told: ModelInferResponse) -> dict[str, Array]:
    """The arrays of an answer.

    Args:
        manifest: Of the model.
        version: The version that was asked.
        rows: How many rows were asked.
        told: The answer.

    Raises:
        ValueError: It is another model's, or an output is missing, not as declared, or of another number of rows.
    """
    if told.model_name != manifest.name or (version and told.model_version not in ("", version)):
        raise ValueError("another model answered")
    places = {each.name: place for place, each in enumerate(told.outputs)}
    arrays = {}
    for declared in manifest.outputs:
        if declared.name not in places:
            raise ValueError(f"output {declared.name} is missing")
        array = _array(declared, told, places[declared.name])
        if len(array) != rows or any(
            size not in (-1, have) for size, have in zip(declared.shape[1:], array.shape[1:], strict=True)
        ):
            raise ValueError(f"output {declared.name} has another shape than was asked for")
        arrays[declared.name] = array
    return arrays


def _array(declared: Output, told: ModelInferResponse, place: int) -> Array:
    given = told.outputs[place]
    if given.datatype != declared.datatype or len(given.shape) != len(declared.shape):
        raise ValueError(f"output {declared.name} is not as declared")
    try:
        if told.raw_output_contents:
            return from_bytes(given.name, given.datatype, given.shape, told.raw_output_contents[place]).data
        contents = getattr(given.contents, _CONTENTS[given.datatype])
        return from_list(given.name, given.datatype, given.shape, list(contents)).data
    except (InputError, IndexError, KeyError):
        raise ValueError(f"output {declared.name} cannot be read") from None


def rows_of(inputs: Arrays) -> int:
    """How many rows there are."""
    return len(next(iter(inputs.values())))


def parts(inputs: Arrays, most_bytes: int) -> list[dict[str, Array]]:
    """The same rows in calls of bounded size: servers refuse messages of more than 4 MiB unless told otherwise.

    Args:
        inputs: See `Predictor.predict`.
        most_bytes: Most bytes of a call's tensors; one row is sent whatever its size.
    """
    rows = rows_of(inputs)
    a_row = max(1, sum(array.nbytes for array in inputs.values()) // max(1, rows))
    step = max(1, most_bytes // a_row)
    if rows <= step:
        return [dict(inputs)]
    slices = [slice(at, at + step) for at in range(0, rows, step)]
    return [{name: array[part] for name, array in inputs.items()} for part in slices]


def joined(answers: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """The answers to `parts` as one."""
    if len(answers) == 1:
        return answers[0]
    return {name: np.concatenate([each[name] for each in answers]) for name in answers[0]}
