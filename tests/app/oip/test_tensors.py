"""Tensors: lists and bytes become arrays, or errors that name the tensor and the reason."""

from typing import Any

import numpy as np
import pytest

from app.errors import InputError
from app.oip.tensors import DTYPES, from_bytes, from_list


def code(error: pytest.ExceptionInfo[InputError]) -> str:
    (problem,) = error.value.problems
    assert problem.field == "inputs.x"
    return problem.code


@pytest.mark.parametrize("data", [[1, 2.5, 3, 4, 5, 6], [[1, 2.5, 3], [4, 5, 6]]], ids=["flat", "nested"])
def test_a_list_may_be_flat_or_nested(data: list[Any]) -> None:
    tensor = from_list("x", "FP32", [2, 3], data)
    assert tensor.data.dtype == np.float32 and tensor.data.tolist() == [[1, 2.5, 3], [4, 5, 6]]


@pytest.mark.parametrize("datatype", sorted(DTYPES))
def test_bytes_and_lists_give_the_same_array(datatype: str) -> None:
    values = np.array([[1, 0], [1, 1]], DTYPES[datatype])
    raw = from_bytes("x", datatype, [2, 2], values.tobytes())
    listed = from_list("x", datatype, [2, 2], values.tolist())
    assert raw.data.dtype == listed.data.dtype and np.array_equal(raw.data, listed.data)


def test_a_number_too_large_for_a_float_is_infinite_in_lists_and_bytes() -> None:
    assert np.isinf(from_list("x", "FP32", [1, 1], [1e39]).data).all()


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
@pytest.mark.parametrize("data", [[1.5, None, 2, None], [[1.5, None], [2, None]]])
def test_null_in_a_list_is_a_missing_value(datatype: str, data: list[object]) -> None:
    tensor = from_list("x", datatype, [2, 2], data)
    assert tensor.data.dtype == DTYPES[datatype]
    np.testing.assert_array_equal(tensor.data, np.array([[1.5, np.nan], [2, np.nan]], DTYPES[datatype]))


@pytest.mark.parametrize(
    ("expected", "datatype", "shape", "data"),
    [
        ("datatype", "FP8", [1], [1]),
        ("datatype", "BYTES", [1], ["a"]),
        ("shape", "FP32", [-1], [1]),
        ("data_size", "FP32", [2, 1], [1]),
        ("data_size", "FP32", [2, 1], [[1], [2], [3]]),
        ("data_size", "FP32", [2, 1], [[1], [2, 3]]),
        ("data_size", "FP32", [2, 1], [[1], 2]),
        ("data_size", "FP32", [], [[1]]),
        ("shape", "FP32", [2**16, 2**15], []),
        ("shape", "FP32", [*[2**31 - 1] * 7, 0], []),
        ("shape", "FP32", [1] * 9, [1]),
        ("data_type", "FP32", [1, 1], [True]),
        ("data_type", "FP32", [1, 1], ["1"]),
        ("data_type", "INT64", [1, 1], [None]),
        ("data_type", "BOOL", [1, 1], [None]),
        ("data_type", "FP32", [1, 1], [[[1]]]),
        ("data_type", "FP32", [1, 1], [10**400]),
        ("data_type", "INT64", [1, 1], [1.0]),
        ("data_type", "INT64", [1, 1], [2**63]),
        ("data_type", "BOOL", [1, 1], [1]),
        ("data", "FP32", [1, 1], None),
        ("data", "FP32", [1, 1], "12"),
        ("data", "FP32", [1, 1], {"0": 1}),
    ],
)
def test_a_list_that_is_not_a_tensor_is_rejected(expected: str, datatype: str, shape: list[int], data: object) -> None:
    with pytest.raises(InputError) as error:
        from_list("x", datatype, shape, data)
    assert code(error) == expected


@pytest.mark.parametrize(("shape", "size"), [([1, 1], 3), ([1, 1], 5), ([2, 1], 4), ([0], 4), ([2**30, 1], 4)])
def test_bytes_that_do_not_fill_the_shape_are_rejected(shape: list[int], size: int) -> None:
    with pytest.raises(InputError) as error:
        from_bytes("x", "FP32", shape, bytes(size))
    assert code(error) == "data_size"


@pytest.mark.parametrize("shape", [[2**31 - 1, 0], [0], [0, 5, 0], [0] * 8])
def test_a_tensor_may_be_empty(shape: list[int]) -> None:
    assert from_bytes("x", "FP32", shape, b"").data.shape == tuple(shape)
    assert from_list("x", "FP32", shape, []).data.shape == tuple(shape)
