"""Tensors of the Open Inference Protocol: datatypes, and arrays from JSON lists and raw bytes."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import numpy as np

from app.errors import InputError, Problem
from app.runtime.predictor import Array

ItemT = TypeVar("ItemT")
ValueT = TypeVar("ValueT")

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""Names of the Open Inference Protocol; raw contents are little-endian."""

MAX_DIMENSIONS = 8
"""Maximum number of dimensions of a tensor."""
MAX_ELEMENTS = 2**31 - 1
"""Maximum product of a shape's non-zero dimensions; numpy accepts no shape that it cannot address."""
_SMALL = 32
"""Number of elements up to which Python is faster than numpy."""

_NUMBERS: dict[str, frozenset[type]] = {
    "b": frozenset({bool}),
    "i": frozenset({int}),
    "u": frozenset({int}),
    "f": frozenset({int, float, type(None)}),
}
"""Python types of JSON elements, by numpy's kind of datatype. JSON has no NaN: null is a missing value."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a request or a response."""

    name: str
    datatype: str
    """Datatype in the protocol's terms, such as ``FP32``."""
    data: Array
    """The values, in the tensor's shape."""


def working_cost(tensor: Tensor) -> int:
    """Return about how many bytes a model's run takes for an input, beside the input itself.

    Rows are converted and compared. A network's layers for pictures take several times a picture.
    """
    return (16 if tensor.data.ndim > 2 else 6) * tensor.data.nbytes


def invalid_input(name: str, code: str, reason: str) -> InputError:
    """The error for one tensor.

    Args:
        name: Name of the tensor; empty if it is unknown.
        code: Stable error code.
        reason: A sentence that does not repeat any value.
    """
    return InputError([Problem(f"inputs.{name}" if name else "inputs", code, reason)])


def each(read: Callable[[ItemT], ValueT], items: Iterable[ItemT]) -> list[ValueT]:
    """Apply a function to each item.

    Args:
        read: The function.
        items: The items.

    Raises:
        InputError: With the problems of all items.
    """
    values: list[ValueT] = []
    problems: list[Problem] = []
    for item in items:
        try:
            values.append(read(item))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return values


def dtype_of(name: str, datatype: str) -> np.dtype[Any]:
    """The numpy type of a datatype.

    Raises:
        InputError: If the datatype is unknown, or not numeric.
    """
    known = DTYPES.get(datatype)
    if known is None:
        raise invalid_input(name, "datatype", "has a datatype that no model here accepts")
    return known


def elements(name: str, shape: Sequence[int]) -> int:
    """The number of elements in a shape.

    Raises:
        InputError: If a dimension is negative, or the shape has too many dimensions or elements.
    """
    if len(shape) <= MAX_DIMENSIONS and min(shape, default=1) >= 0:
        count = math.prod(shape)
        if (count or math.prod(filter(None, shape))) <= MAX_ELEMENTS:
            return count
    raise invalid_input(name, "shape", "has an invalid shape")


def all_finite(array: Array) -> bool:
    """Whether an array of floating-point numbers holds neither NaN nor infinity."""
    if array.size <= _SMALL:  # numpy costs microseconds even for few elements
        return all(map(math.isfinite, array.ravel().tolist()))
    return bool(np.isfinite(array).all())


def from_bytes(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """Make a tensor from raw bytes, without a copy.

    Args:
        name: Name of the tensor.
        datatype: Datatype of the tensor.
        shape: Shape of the tensor.
        raw: Elements in row-major order, little-endian.

    Raises:
        InputError: If the datatype is unknown, or the bytes do not fill the shape.
    """
    dtype, count = dtype_of(name, datatype), elements(name, shape)
    if len(raw) != count * dtype.itemsize:
        raise invalid_input(
            name, "data_size", f"has {len(raw)} bytes of data, and its shape takes {count * dtype.itemsize}"
        )
    return Tensor(name, datatype, np.frombuffer(raw, dtype).reshape(shape))


def from_list(name: str, datatype: str, shape: Sequence[int], data: Any) -> Tensor:
    """Make a tensor from JSON, or from the typed contents of a gRPC message.

    Args:
        name: Name of the tensor.
        datatype: Datatype of the tensor.
        shape: Shape of the tensor.
        data: Elements in row-major order, flat or nested as in the shape; None becomes NaN.

    Raises:
        InputError: If the datatype is unknown, or the elements have another type or do not fill the shape.
    """
    dtype, count = dtype_of(name, datatype), elements(name, shape)
    flat = _flat(name, shape, data)
    if len(flat) != count:
        raise invalid_input(name, "data_size", f"has {len(flat)} elements, and its shape takes {count}")
    if not _NUMBERS[dtype.kind].issuperset(map(type, flat)):
        raise invalid_input(name, "data_type", f"has elements that are not {datatype}")
    try:
        with np.errstate(over="ignore"):  # a number too large for the datatype becomes infinite, as it does in bytes
            return Tensor(name, datatype, np.array(flat, dtype).reshape(shape))
    except OverflowError:
        raise invalid_input(name, "data_type", f"has elements that are too large for {datatype}") from None


def _flat(name: str, shape: Sequence[int], data: Any) -> list[Any]:
    if not isinstance(data, Sequence) or isinstance(data, str | bytes):
        raise invalid_input(name, "data", "must have its data as a list")
    if not (data and isinstance(data[0], list)):
        return list(data)
    if not shape or len(data) != shape[0]:
        raise invalid_input(name, "data_size", "is nested differently from its shape")
    for size in shape[1:]:
        if not all(isinstance(part, list) and len(part) == size for part in data):
            raise invalid_input(name, "data_size", "is nested differently from its shape")
        data = list(chain.from_iterable(data))
    return list(data)
