"""Tensors in the Open Inference Protocol's terms: datatypes, and arrays from lists and bytes as they come in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from app.errors import InputError, Problem
from app.runtime.predictor import Array

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

MOST_DIMENSIONS = 8
FEW = 32
"""Elements up to which Python is faster at them than numpy."""
MOST_ELEMENTS = 2**31 - 1
"""Elements that a shape may span, dimensions of none left out; numpy takes no shape beyond what it can address."""

_NUMBERS: dict[str, frozenset[type]] = {
    "b": frozenset({bool}),
    "i": frozenset({int}),
    "u": frozenset({int}),
    "f": frozenset({int, float}),
}
"""What a JSON element may be, by numpy's kind."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a call or an answer."""

    name: str
    datatype: str
    """A name of the Open Inference Protocol: ``FP32``."""
    data: Array
    """Its values, in its shape."""


def refused(name: str, code: str, reason: str) -> InputError:
    """The error for one tensor.

    Args:
        name: The tensor's, as far as it is known.
        code: A stable word.
        reason: A sentence that does not repeat values.
    """
    return InputError([Problem(f"inputs.{name}" if name else "inputs", code, reason)])


def dtype_of(name: str, datatype: str) -> np.dtype[Any]:
    """Numpy's type for a datatype.

    Raises:
        InputError: There is no such datatype, or its elements are no numbers.
    """
    known = DTYPES.get(datatype)
    if known is None:
        raise refused(name, "datatype", "has a datatype that no model here takes")
    return known


def elements(name: str, shape: Sequence[int]) -> int:
    """How many elements a shape holds.

    Raises:
        InputError: A dimension is negative, there are too many, or they span more than any model takes.
    """
    if len(shape) <= MOST_DIMENSIONS and min(shape, default=1) >= 0:
        count = math.prod(shape)
        if (count or math.prod(filter(None, shape))) <= MOST_ELEMENTS:
            return count
    raise refused(name, "shape", "has a shape that no tensor has")


def all_finite(array: Array) -> bool:
    """Whether an array of floating point numbers holds no NaN and nothing infinite."""
    if array.size <= FEW:  # numpy's own way costs microseconds, however few there are
        return all(map(math.isfinite, array.ravel().tolist()))
    return bool(np.isfinite(array).all())


def from_bytes(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """A tensor from its raw contents; nothing is copied.

    Args:
        name: The tensor's.
        datatype: Its datatype.
        shape: Its shape.
        raw: Elements in row-major order, little-endian.

    Raises:
        InputError: The datatype is none, or the bytes do not fill the shape.
    """
    dtype, count = dtype_of(name, datatype), elements(name, shape)
    if len(raw) != count * dtype.itemsize:
        raise refused(name, "data_size", f"has {len(raw)} bytes of data, and its shape takes {count * dtype.itemsize}")
    return Tensor(name, datatype, np.frombuffer(raw, dtype).reshape(shape))


def from_list(name: str, datatype: str, shape: Sequence[int], data: Any) -> Tensor:
    """A tensor from JSON or from a message's typed contents.

    Args:
        name: The tensor's.
        datatype: Its datatype.
        shape: Its shape.
        data: Elements in row-major order, in one list or nested as the shape says.

    Raises:
        InputError: The datatype is none, elements are of another kind or missing, or they do not fill the shape.
    """
    dtype, count = dtype_of(name, datatype), elements(name, shape)
    flat = _flat(name, shape, data)
    if len(flat) != count:
        raise refused(name, "data_size", f"has {len(flat)} elements, and its shape takes {count}")
    if not _NUMBERS[dtype.kind].issuperset(map(type, flat)):
        raise refused(name, "data_type", f"has elements that are no {datatype}")
    try:
        with np.errstate(over="ignore"):  # a number too large for the datatype becomes infinite, as it does in bytes
            return Tensor(name, datatype, np.array(flat, dtype).reshape(shape))
    except OverflowError:
        raise refused(name, "data_type", f"has elements that are too large for {datatype}") from None


def _flat(name: str, shape: Sequence[int], data: Any) -> list[Any]:
    if not isinstance(data, Sequence) or isinstance(data, str | bytes):
        raise refused(name, "data", "needs its data as a list")
    if not (data and isinstance(data[0], list)):
        return list(data)
    if not shape or len(data) != shape[0]:
        raise refused(name, "data_size", "is nested otherwise than its shape says")
    for size in shape[1:]:
        if not all(isinstance(part, list) and len(part) == size for part in data):
            raise refused(name, "data_size", "is nested otherwise than its shape says")
        data = list(chain.from_iterable(data))
    return list(data)
