"""Messages of the Open Inference Protocol over REST, in JSON and in the binary extension."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.types import Scope

from app.bundle.manifest import Output
from app.errors import InputError, Problem
from app.oip.data_plane import InferAnswer, InferCall
from app.oip.metadata import warnings_of
from app.oip.schema import Parameters
from app.oip.tensors import MAX_DIMENSIONS, MAX_ELEMENTS, Tensor, each, from_bytes, from_list, invalid_input
from app.problem_types import MALFORMED_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE
from app.rest.json_body import json_reader
from app.rest.problems import RequestRejected
from app.rest.responses import Header
from app.runtime.json_cost import JsonCost
from app.runtime.predictor import Array

JSON_LENGTH = b"inference-header-content-length"
"""Header with the length of the JSON part of a body; the tensors' bytes follow it."""
_MAX_TENSORS = 256
_JSON_NUMBER_BYTES = 80
"""Most that a number takes as Python object, in its list, and as text of 20 characters, of which there is a copy."""
_PIECE_BYTES = 65_536
"""Maximum bytes that are decompressed at once."""
tensors_cost = JsonCost(byte=4, comma=60, bracket=250, brace=300, colon=250, quote=20)
"""Cost of JSON with tensors: parsed values, and arrays of them.

The weights are the peaks that pydantic-core 2 takes for 8 MB of the most expensive values of each kind: 38 to 69 bytes
for a number, 97 for a string, 100 for an empty list, 206 for a list of one, 329 for an object of one.
"""
INVALID_JSON_LENGTH = replace(
    MALFORMED_REQUEST, detail="The header Inference-Header-Content-Length must be a number of bytes."
)
UNSUPPORTED_ENCODING = replace(UNSUPPORTED_MEDIA_TYPE, detail="Content-Encoding must be gzip, deflate or identity.")
_ACCEPTED_ENCODINGS: tuple[Header, ...] = ((b"accept-encoding", b"gzip, deflate"),)
WRONG_ENCODING = replace(MALFORMED_REQUEST, detail="The body does not match its Content-Encoding.")


class _Message(BaseModel):
    """Ignores unknown keys: clients send those of other servers."""

    model_config = ConfigDict(extra="ignore", strict=True)


class RequestInput(_Message):
    """An input tensor."""

    name: Annotated[str, Field(max_length=256)]
    datatype: Annotated[str, Field(max_length=16)]
    shape: Annotated[list[Annotated[int, Field(ge=0, le=MAX_ELEMENTS)]], Field(max_length=MAX_DIMENSIONS)]
    data: Any = None
    """Elements, flat or nested by the shape; absent if they follow as bytes."""
    parameters: Parameters | None = None


class RequestOutput(_Message):
    """A requested output."""

    name: Annotated[str, Field(max_length=256)]
    parameters: Parameters | None = None


class InferRequest(_Message):
    """The JSON part of an inference call."""

    id: Annotated[str, Field(max_length=256)] | None = None
    parameters: Parameters | None = None
    inputs: Annotated[list[RequestInput], Field(max_length=_MAX_TENSORS)]
    outputs: Annotated[list[RequestOutput], Field(max_length=_MAX_TENSORS)] | None = None


_read_request = json_reader(InferRequest)


@dataclass(frozen=True, slots=True)
class CallMessage:
    """An inference call, and the format of its answer."""

    call: InferCall
    id: str | None
    """Id that the answer repeats."""
    binary: frozenset[str]
    """Names of the outputs that are returned as bytes."""
    all_binary: bool
    """Whether every output is returned as bytes."""


def json_length(scope: Scope) -> int | None:
    """Return the bytes of the JSON part of a body; None if all of it is JSON.

    Raises:
        RequestRejected: If the header is not a number, or is repeated.
    """
    values = [value for name, value in scope["headers"] if name == JSON_LENGTH]
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit() or len(values[0]) > 18:
        raise RequestRejected(INVALID_JSON_LENGTH)
    return int(values[0])


def decompress(encoding: bytes, body: bytes, limit: int, reserve: Callable[[bytes], None]) -> bytes:
    """Decompress a body, piece by piece.

    Args:
        encoding: The Content-Encoding, in lower case.
        body: The compressed body.
        limit: Maximum bytes of the decompressed body.
        reserve: Reserves the memory for a decompressed piece.

    Raises:
        RequestRejected: If the encoding is unsupported or does not match the body, or the body exceeds the limit.
        CallError: If the memory cannot be reserved.
    """
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise RequestRejected(UNSUPPORTED_ENCODING, unread=False, headers=_ACCEPTED_ENCODINGS)
    # some clients send deflate without the zlib header that the standard requires
    formats = (zlib.MAX_WBITS, -zlib.MAX_WBITS) if encoding == b"deflate" else (zlib.MAX_WBITS | 16,)
    for window_bits in formats:
        decompressor, data, rest = zlib.decompressobj(window_bits), bytearray(), body
        try:
            while piece := decompressor.decompress(rest, _PIECE_BYTES):
                rest = decompressor.unconsumed_tail
                reserve(piece)
                data += piece
                if len(data) > limit:
                    raise RequestRejected(TOO_LARGE, unread=False)
        except zlib.error:
            continue
        if decompressor.eof and not decompressor.unused_data:
            return bytes(data)
    raise RequestRejected(WRONG_ENCODING, unread=False)


def read_call(model: str, version: str | None, body: bytes, json_size: int | None) -> CallMessage:
    """Read an inference call.

    Args:
        model: Name of the model.
        version: Version of the model; None for the active version.
        body: JSON, followed by the bytes of tensors.
        json_size: Bytes of the JSON part; see `json_length`.

    Raises:
        InputError: If the message is invalid, or a tensor does not match its shape.
    """
    if json_size is not None and json_size > len(body):
        raise InputError([Problem("body", "data_size", "is shorter than its Inference-Header-Content-Length")])
    request = _read_request(body if json_size is None else body[:json_size])
    tensors = _tensors(request.inputs, memoryview(b"" if json_size is None else body[json_size:]))
    outputs = request.outputs or ()
    if any((output.parameters or {}).get("classification") for output in outputs):
        raise InputError([Problem("outputs", "classification", "classification is not supported")])
    binary_data = {output.name: (output.parameters or {}).get("binary_data") for output in outputs}
    all_binary = (request.parameters or {}).get("binary_data_output") is True
    return CallMessage(
        InferCall(model, version, tensors, [output.name for output in outputs]),
        request.id,
        frozenset(name for name, is_binary in binary_data.items() if is_binary or (is_binary is None and all_binary)),
        all_binary and not outputs,
    )


def _tensors(inputs: Sequence[RequestInput], raw: memoryview) -> list[Tensor]:
    parts: list[tuple[RequestInput, memoryview | None]] = []
    for item in inputs:
        size = (item.parameters or {}).get("binary_data_size")
        if size is None:
            parts.append((item, None))
            continue
        if type(size) is not int or not 0 <= size <= len(raw):
            raise invalid_input(item.name, "data_size", "has a binary_data_size beyond the bytes after the JSON")
        if item.data is not None:
            raise invalid_input(item.name, "data", "has data both in the JSON and after it")
        parts.append((item, raw[:size]))
        raw = raw[size:]
    if len(raw):
        raise InputError([Problem("body", "data_size", "has bytes that belong to no input")])
    return each(_tensor, parts)


def _tensor(part: tuple[RequestInput, memoryview | None]) -> Tensor:
    item, raw = part
    if raw is None:
        return from_list(item.name, item.datatype, item.shape, item.data)
    return from_bytes(item.name, item.datatype, item.shape, raw)


def answer_cost(call: CallMessage, answer: InferAnswer) -> int:
    """Return the cost of an answer: its bytes twice, and of JSON a Python object for each number."""
    return sum(
        2 * array.nbytes if call.all_binary or output.name in call.binary else _JSON_NUMBER_BYTES * array.size
        for output, array in answer.outputs
    )


def write_answer(call: CallMessage, answer: InferAnswer) -> tuple[bytes, bytes, tuple[Header, ...]]:
    """Write an answer.

    Args:
        call: The call.
        answer: The model's answer.

    Returns:
        Body, media type and additional headers.
    """
    raw: list[bytes] = []
    message: dict[str, Any] = {"model_name": answer.manifest.name, "model_version": answer.manifest.version}
    if call.id is not None:
        message["id"] = call.id
    if answer.warnings:
        message["parameters"] = warnings_of(answer)
    message["outputs"] = [_output(call, raw, output, array) for output, array in answer.outputs]
    body = to_json(message)
    if not raw:
        return body, b"application/json", ()
    length: Header = (JSON_LENGTH, b"%d" % len(body))
    return b"".join((body, *raw)), b"application/octet-stream", (length,)


def _output(call: CallMessage, raw: list[bytes], output: Output, array: Array) -> dict[str, Any]:
    encoded: dict[str, Any] = {"name": output.name, "datatype": output.datatype, "shape": array.shape}
    if call.all_binary or output.name in call.binary:
        raw.append(np.ascontiguousarray(array).tobytes())
        return {**encoded, "parameters": {"binary_data_size": len(raw[-1])}}
    return {**encoded, "data": array.ravel().tolist()}
