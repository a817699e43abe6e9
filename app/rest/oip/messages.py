"""Messages of the protocol over REST: calls from JSON and binary bodies, and answers to them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.types import Scope

from app.bundle.manifest import Output
from app.domains.validation import problems_of
from app.errors import InputError, Problem
from app.oip.data_plane import InferAnswer, InferCall
from app.oip.metadata import warnings_of
from app.oip.tensors import MAX_DIMENSIONS, MAX_ELEMENTS, Tensor, from_bytes, from_list, invalid_input
from app.problem_types import MALFORMED_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE
from app.rest.problems import RequestRejected
from app.rest.responses import Header
from app.runtime.predictor import Array

JSON_LENGTH = b"inference-header-content-length"
"""Header that says how much of a body is JSON; tensors' bytes follow."""
_MOST_TENSORS = 256
INVALID_JSON_LENGTH = replace(
    MALFORMED_REQUEST, detail="The header Inference-Header-Content-Length must be a number of bytes."
)
UNSUPPORTED_ENCODING = replace(UNSUPPORTED_MEDIA_TYPE, detail="Content-Encoding must be gzip, deflate or identity.")
WRONG_ENCODING = replace(MALFORMED_REQUEST, detail="The body does not match its Content-Encoding.")

Parameters = dict[str, JsonValue] | None


class _Message(BaseModel):
    """Keys that are not known are let be: clients send what other servers take."""

    model_config = ConfigDict(extra="ignore", strict=True)


class RequestInput(_Message):
    """A tensor of a call."""

    name: Annotated[str, Field(max_length=256)]
    datatype: Annotated[str, Field(max_length=16)]
    shape: Annotated[list[Annotated[int, Field(ge=0, le=MAX_ELEMENTS)]], Field(max_length=MAX_DIMENSIONS)]
    data: Any = None
    """Elements, flat or nested as the shape says; absent where they follow as bytes."""
    parameters: Parameters = None


class RequestOutput(_Message):
    """An output that is asked for."""

    name: Annotated[str, Field(max_length=256)]
    parameters: Parameters = None


class InferRequest(_Message):
    """A call."""

    id: Annotated[str, Field(max_length=256)] | None = None
    parameters: Parameters = None
    inputs: Annotated[list[RequestInput], Field(max_length=_MOST_TENSORS)]
    outputs: Annotated[list[RequestOutput], Field(max_length=_MOST_TENSORS)] | None = None


_REQUEST = TypeAdapter(InferRequest).validator.validate_json


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, and how its answer is wanted."""

    call: InferCall
    id: str | None
    binary: frozenset[str]
    """Outputs wanted as bytes."""
    all_binary: bool
    """Whether outputs of which nothing is said are."""


def json_length(scope: Scope) -> int | None:
    """How many bytes of the body are JSON; None: all.

    Raises:
        RequestRejected: The header is no number, or is sent twice.
    """
    declared = [value for name, value in scope["headers"] if name == JSON_LENGTH]
    if not declared:
        return None
    if len(declared) > 1 or not declared[0].isdigit() or len(declared[0]) > 18:
        raise RequestRejected(INVALID_JSON_LENGTH)
    return int(declared[0])


def inflated(encoding: bytes, body: bytes, limit: int) -> bytes:
    """A body as it was before it was compressed.

    Args:
        encoding: Its Content-Encoding, in lower case.
        body: As sent.
        limit: Most bytes that it may inflate to.

    Raises:
        RequestRejected: The encoding is not known, the data is not so encoded, or there is too much of it.
    """
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise RequestRejected(UNSUPPORTED_ENCODING, unread=False)
    # both formats: some clients send deflate without the one that the standard asks for
    formats = (zlib.MAX_WBITS, -zlib.MAX_WBITS) if encoding == b"deflate" else (zlib.MAX_WBITS | 16,)
    for window_bits in formats:
        inflate = zlib.decompressobj(window_bits)
        try:
            data = inflate.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(data) > limit:
            raise RequestRejected(TOO_LARGE, unread=False)
        if inflate.eof and not inflate.unused_data:
            return data
    raise RequestRejected(WRONG_ENCODING, unread=False)


def read_call(model: str, version: str | None, body: bytes, json_size: int | None) -> Asked:
    """Read a call.

    Args:
        model: From the path.
        version: From the path.
        body: JSON, and the bytes of tensors where `json_size` says how long the JSON is.
        json_size: See `json_length`.

    Raises:
        InputError: It is no such message, or its tensors do not fit their own shapes.
    """
    if json_size is not None and json_size > len(body):
        raise InputError([Problem("body", "data_size", "is shorter than Inference-Header-Content-Length says")])
    try:
        request = _REQUEST(body if json_size is None else body[:json_size])
    except ValidationError as error:
        raise InputError(problems_of(error)) from None
    tensors = _tensors(request.inputs, memoryview(b"" if json_size is None else body[json_size:]))
    outputs = request.outputs or ()
    if any((output.parameters or {}).get("classification") for output in outputs):
        raise InputError([Problem("outputs", "classification", "classification is not served here")])
    chosen = {output.name: (output.parameters or {}).get("binary_data") for output in outputs}
    all_binary = (request.parameters or {}).get("binary_data_output") is True
    return Asked(
        InferCall(model, version, tensors, [output.name for output in outputs]),
        request.id,
        frozenset(name for name, wanted in chosen.items() if wanted or (wanted is None and all_binary)),
        all_binary and not outputs,
    )


def _tensors(inputs: Sequence[RequestInput], raw: memoryview) -> list[Tensor]:
    tensors = []
    for each in inputs:
        size = (each.parameters or {}).get("binary_data_size")
        if size is None:
            tensors.append(from_list(each.name, each.datatype, each.shape, each.data))
            continue
        if type(size) is not int or not 0 <= size <= len(raw):
            raise invalid_input(each.name, "data_size", "has a binary_data_size that is not what follows the JSON")
        if each.data is not None:
            raise invalid_input(each.name, "data", "has its data twice: in the JSON and after it")
        tensors.append(from_bytes(each.name, each.datatype, each.shape, raw[:size]))
        raw = raw[size:]
    if len(raw):
        raise InputError([Problem("body", "data_size", "has bytes that belong to no input")])
    return tensors


def answer_message(asked: Asked, answer: InferAnswer) -> tuple[bytes, bytes, tuple[Header, ...]]:
    """Write an answer.

    Args:
        asked: What was asked.
        answer: What the model gave.

    Returns:
        Body, media type, and more headers.
    """
    raw: list[bytes] = []
    message: dict[str, Any] = {"model_name": answer.manifest.name, "model_version": answer.manifest.version}
    if asked.id is not None:
        message["id"] = asked.id
    if answer.warnings:
        message["parameters"] = warnings_of(answer)
    message["outputs"] = [_output(asked, raw, declared, array) for declared, array in answer.outputs]
    body = to_json(message)
    if not raw:
        return body, b"application/json", ()
    length: Header = (JSON_LENGTH, b"%d" % len(body))
    return b"".join((body, *raw)), b"application/octet-stream", (length,)


def _output(asked: Asked, raw: list[bytes], declared: Output, array: Array) -> dict[str, Any]:
    told: dict[str, Any] = {"name": declared.name, "datatype": declared.datatype, "shape": array.shape}
    if asked.all_binary or declared.name in asked.binary:
        raw.append(np.ascontiguousarray(array).tobytes())
        return {**told, "parameters": {"binary_data_size": len(raw[-1])}}
    return {**told, "data": array.ravel().tolist()}
