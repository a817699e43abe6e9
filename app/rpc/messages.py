"""Conversion between protobuf messages of the Open Inference Protocol and data-plane calls."""

from typing import Any

import numpy as np

from app.bundle.manifest import Output
from app.errors import InputError, Problem
from app.oip.data_plane import InferAnswer, InferCall
from app.oip.metadata import warnings_of
from app.oip.tensors import DTYPES, MAX_DIMENSIONS, Tensor, dtype_of, each, elements, from_bytes, invalid_input
from app.rpc._pb.open_inference_pb2 import InferTensorContents, ModelInferRequest, ModelInferResponse
from app.runtime.predictor import Array

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}
"""Field of ``InferTensorContents`` by datatype. FP16 has no field: the protocol sends it raw."""
MAX_TEXT = 256
"""Maximum length of an id or a version, in characters."""
_MAX_TENSORS = 256
_WIDE = {
    "bool_contents": np.bool_,
    "uint64_contents": np.uint64,
    "fp32_contents": np.float64,
    "fp64_contents": np.float64,
}
"""Type of the array of a list's numbers; of the other lists: 64-bit integers."""
_PART = 65_536
"""Number of elements that are converted at a time."""
_Input = ModelInferRequest.InferInputTensor


def read_call(request: ModelInferRequest) -> InferCall:
    """Read a ModelInfer request.

    Args:
        request: The request.

    Raises:
        InputError: If a tensor does not fit its shape, has no data or has its data twice.
    """
    if max(len(request.id), len(request.model_version)) > MAX_TEXT:
        raise InputError([Problem("id", "too_long", f"must have at most {MAX_TEXT} characters, as the version")])
    if max(len(request.inputs), len(request.outputs)) > _MAX_TENSORS:
        raise invalid_input("", "too_many", f"or outputs are more than {_MAX_TENSORS}")
    outputs = [output.name for output in request.outputs]
    if outputs and any("classification" in output.parameters for output in request.outputs):
        raise InputError([Problem("outputs", "classification", "classification is not supported")])
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise invalid_input("", "data_size", "must all be in raw_input_contents, in the same order, or none")
    inputs = request.inputs
    doubled = next((item for item in inputs if item.HasField("contents")), None) if raw else None
    if doubled is not None:
        raise invalid_input(doubled.name, "data", "has its data twice: in contents and in raw_input_contents")
    tensors = each(lambda index: _tensor(inputs[index], raw[index] if raw else None), range(len(inputs)))
    return InferCall(request.model_name, request.model_version or None, tensors, outputs)


def _tensor(sent: _Input, raw: bytes | None) -> Tensor:
    if len(sent.shape) > MAX_DIMENSIONS:
        raise invalid_input(sent.name, "shape", "has an invalid shape")
    name, shape = sent.name, list(sent.shape)
    if raw is None:
        return _from_contents(name, sent.datatype, shape, sent.contents)
    return from_bytes(name, sent.datatype, shape, raw)


def _from_contents(name: str, datatype: str, shape: list[int], contents: InferTensorContents) -> Tensor:
    dtype, count, field = dtype_of(name, datatype), elements(name, shape), CONTENTS.get(datatype)
    if field is None:
        raise invalid_input(name, "datatype", f"is {datatype}, which goes into raw_input_contents")
    if any(other.name != field for other, _ in contents.ListFields()):
        raise invalid_input(name, "data_type", f"has values in another list than {field}")
    values = getattr(contents, field)
    if len(values) != count:
        raise invalid_input(name, "data_size", f"has {len(values)} elements, and its shape takes {count}")
    wide = _array(values, count, field) if count else np.empty(0, dtype)
    if dtype.kind in "iu" and count and not (np.iinfo(dtype).min <= wide.min() and wide.max() <= np.iinfo(dtype).max):
        raise invalid_input(name, "data_type", f"has elements that are too large for {datatype}")
    return Tensor(name, datatype, wide.astype(dtype, copy=False).reshape(shape))


def _array(values: Any, count: int, field: str) -> Array:
    """Convert a list of numbers in parts, so that other threads run meanwhile and few objects exist at a time."""
    if count <= _PART:
        return np.array(values)
    array: Array = np.empty(count, _WIDE.get(field, np.int64))
    for start in range(0, count, _PART):
        array[start : start + _PART] = values[start : start + _PART]
    return array


def answer_message(request: ModelInferRequest, answer: InferAnswer) -> ModelInferResponse:
    """Build a ModelInfer response, with raw contents if the request had raw contents.

    Args:
        request: The request.
        answer: The result of the data plane.
    """
    message = ModelInferResponse(model_name=answer.manifest.name, model_version=answer.manifest.version, id=request.id)
    for name, value in warnings_of(answer).items() if answer.warnings else ():
        if isinstance(value, int):
            message.parameters[name].int64_param = value
        else:
            message.parameters[name].string_param = value
    is_raw = bool(request.raw_input_contents)
    for declared, array in answer.outputs:
        output = message.outputs.add(name=declared.name, datatype=declared.datatype, shape=array.shape)
        if is_raw:
            message.raw_output_contents.append(_bytes(declared, array))
        else:
            _contents(output.contents, declared).extend(array.ravel().tolist())
    return message


def _bytes(declared: Output, array: Array) -> bytes:
    return array.astype(DTYPES[declared.datatype], copy=False).tobytes()


def _contents(contents: InferTensorContents, declared: Output) -> Any:
    return getattr(contents, CONTENTS[declared.datatype])
