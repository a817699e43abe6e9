"""Conversion between arrays and protobuf messages, and the comparison of a server's metadata with a manifest."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.bundle.manifest import Input, Manifest, Output
from app.errors import BundleError, InputError
from app.oip.signature import ModelSignature
from app.oip.tensors import DTYPES, from_bytes, from_list
from app.remote.connection import MAX_RESPONSE_BYTES
from app.rpc._pb.open_inference_pb2 import ModelInferRequest, ModelInferResponse, ModelMetadataResponse
from app.rpc.messages import CONTENTS
from app.runtime.predictor import Array, Arrays, invalid_output

MAX_CALL_BYTES = 2 << 20
"""Maximum size of a call's tensors; more rows are sent in several calls."""
MAX_OUTPUTS = 1000
"""Maximum number of outputs in a response; those that were not requested are ignored."""
_ELEMENT_BYTES = 10
"""Maximum size of an element in a response, whatever its encoding."""
_HEAD_BYTES = 64 << 10
"""Size that a response may have beside its elements."""


def accepts_packed(manifest: Manifest, metadata: ModelMetadataResponse) -> bool:
    """Return whether a server accepts the packed tensor; otherwise it expects one tensor per input.

    Args:
        manifest: Manifest of the model.
        metadata: The server's metadata of the model.

    Raises:
        BundleError: If an input or an output is missing, or has another datatype or shape.
    """
    outputs = {tensor.name: tensor for tensor in metadata.outputs}
    inputs = {tensor.name: tensor for tensor in metadata.inputs}
    for output in manifest.outputs:
        _compare("output", output, outputs.get(output.name))
    packed = ModelSignature(manifest).packed
    if packed is not None and packed.name in inputs:
        _compare("input", packed, inputs[packed.name])
        return True
    for declared in manifest.inputs:
        _compare("input", declared, inputs.get(declared.name))
    return False


def _compare(what: str, declared: Input | Output, actual: Any) -> None:
    if actual is None:
        raise BundleError(f"the model server has no {what} {declared.name}")
    shape = list(actual.shape)
    matches = len(shape) == len(declared.shape) and all(
        -1 in (size, expected) or size == expected for size, expected in zip(shape, declared.shape, strict=True)
    )
    if actual.datatype != declared.datatype or not matches:
        raise BundleError(
            f"the model server's {what} {declared.name} is {actual.datatype} {shape}, "
            f"not {declared.datatype} {list(declared.shape)}"
        )


def infer_request(manifest: Manifest, version: str, packed: bool, inputs: Arrays) -> ModelInferRequest:
    """Build a ModelInfer request.

    Args:
        manifest: Manifest of the model.
        version: The server's name of the version; empty if the server has no versions.
        packed: See `accepts_packed`.
        inputs: See `Predictor.predict`.
    """
    message = ModelInferRequest(model_name=manifest.name, model_version=version)
    message.outputs.extend(ModelInferRequest.InferRequestedOutputTensor(name=out.name) for out in manifest.outputs)
    for name, datatype, array in _tensors(manifest, packed, inputs):
        message.inputs.add(name=name, datatype=datatype, shape=array.shape)
        message.raw_input_contents.append(array.astype(DTYPES[datatype], order="C", copy=False).tobytes())
    return message


def _tensors(manifest: Manifest, packed: bool, inputs: Arrays) -> Sequence[tuple[str, str, Array]]:
    packed_rows = inputs.get(manifest.packed) if manifest.packed else None
    if packed_rows is None:
        return [(declared.name, declared.datatype, inputs[declared.name]) for declared in manifest.inputs]
    if packed and manifest.packed:
        return [(manifest.packed, "FP32", packed_rows)]
    return [
        (declared.name, declared.datatype, column)
        for declared, column in zip(manifest.inputs, np.hsplit(packed_rows, len(manifest.inputs)), strict=True)
    ]


def read_outputs(manifest: Manifest, version: str, rows: int, response: ModelInferResponse) -> dict[str, Array]:
    """Read the outputs of a ModelInfer response.

    Args:
        manifest: Manifest of the model.
        version: The requested version.
        rows: The number of rows in the request.
        response: The response.

    Raises:
        InvalidOutput: If an output is infinite or not a number.
        ValueError: If the response is from another model, has too many outputs, or an output is missing or has the
            wrong datatype or shape.
    """
    if response.model_name != manifest.name or (version and response.model_version not in ("", version)):
        raise ValueError("the response is from another model")
    if len(response.outputs) > MAX_OUTPUTS:
        raise ValueError("the response has too many outputs")
    indices = {output.name: index for index, output in enumerate(response.outputs)}
    arrays = {}
    for declared in manifest.outputs:
        if declared.name not in indices:
            raise ValueError(f"output {declared.name} is missing")
        array = _array(declared, response, indices[declared.name])
        if len(array) != rows or any(
            size not in (-1, actual) for size, actual in zip(declared.shape[1:], array.shape[1:], strict=True)
        ):
            raise ValueError(f"output {declared.name} has the wrong shape")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise invalid_output(manifest, declared.name)
        arrays[declared.name] = array
    return arrays


def _array(declared: Output, response: ModelInferResponse, index: int) -> Array:
    received = response.outputs[index]
    if received.datatype != declared.datatype or len(received.shape) != len(declared.shape):
        raise ValueError(f"output {declared.name} has the wrong datatype or rank")
    try:
        if response.raw_output_contents:
            return from_bytes(
                received.name, received.datatype, received.shape, response.raw_output_contents[index]
            ).data
        contents = getattr(received.contents, CONTENTS[received.datatype])
        return from_list(received.name, received.datatype, received.shape, list(contents)).data
    except (InputError, IndexError, KeyError):
        raise ValueError(f"output {declared.name} cannot be read") from None


def rows_of(inputs: Arrays) -> int:
    """Return the number of rows."""
    return len(next(iter(inputs.values())))


def max_response_bytes(manifest: Manifest, rows: int) -> int:
    """Return the maximum size in bytes of a ModelInfer response, from the declared outputs.

    Args:
        manifest: Manifest of the model.
        rows: The number of rows in the request.
    """
    row_bytes = _row_bytes(manifest)
    return min(MAX_RESPONSE_BYTES, _HEAD_BYTES + rows * row_bytes) if row_bytes else MAX_RESPONSE_BYTES


def _row_bytes(manifest: Manifest) -> int:
    """Return the maximum size of a row's outputs in bytes; 0 if the manifest does not declare it."""
    shapes = [output.shape[1:] for output in manifest.outputs]
    if any(-1 in shape for shape in shapes):
        return 0
    return _ELEMENT_BYTES * sum(map(math.prod, shapes))


def split(manifest: Manifest, inputs: Arrays) -> list[dict[str, Array]]:
    """Split rows into calls of bounded size: by default, servers reject messages above 4 MiB.

    Args:
        manifest: Manifest of the model; its outputs bound the size of the responses.
        inputs: See `Predictor.predict`. A single row beyond the bounds is sent on its own.
    """
    rows = rows_of(inputs)
    sent = max(1, sum(array.nbytes for array in inputs.values()) // max(1, rows))
    received = max(1, _row_bytes(manifest))
    step = max(1, min(MAX_CALL_BYTES // sent, (MAX_RESPONSE_BYTES - _HEAD_BYTES) // received))
    if rows <= step:
        return [dict(inputs)]
    slices = [slice(start, start + step) for start in range(0, rows, step)]
    return [{name: array[part] for name, array in inputs.items()} for part in slices]


def joined(answers: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """Join the outputs of the calls of `split`."""
    if len(answers) == 1:
        return answers[0]
    return {name: np.concatenate([outputs[name] for outputs in answers]) for name in answers[0]}
