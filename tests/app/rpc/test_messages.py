"""Conversion of ModelInfer messages: typed and raw contents, and invalid requests."""

import numpy as np
import pytest

from app.errors import InputError
from app.rpc._pb.open_inference_pb2 import InferTensorContents, ModelInferRequest
from app.rpc.messages import CONTENTS, read_call

_Input = ModelInferRequest.InferInputTensor


def _call(*inputs: _Input, raw: tuple[bytes, ...] = (), **more: object) -> ModelInferRequest:
    return ModelInferRequest(model_name="beer", inputs=inputs, raw_input_contents=raw, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("datatype", CONTENTS)
def test_typed_and_raw_contents_are_the_same_tensor(datatype: str) -> None:
    dtypes = {"BOOL": np.bool_, "FP32": np.float32, "FP64": np.float64}
    dtype = np.dtype(dtypes.get(datatype, datatype.lower()))
    array = np.array([[0, 1], [1, 0], [1, 1]], dtype)
    contents = InferTensorContents(**{CONTENTS[datatype]: array.ravel().tolist()})
    typed = read_call(_call(_Input(name="x", datatype=datatype, shape=[3, 2], contents=contents)))
    raw = read_call(_call(_Input(name="x", datatype=datatype, shape=[3, 2]), raw=(array.tobytes(),)))
    for call in (typed, raw):
        assert call.inputs[0].data.dtype == dtype and np.array_equal(call.inputs[0].data, array)


def test_half_precision_must_be_raw() -> None:
    array = np.array([0.5, 1.5], np.float16)
    call = read_call(_call(_Input(name="x", datatype="FP16", shape=[2]), raw=(array.tobytes(),)))
    assert np.array_equal(call.inputs[0].data, array)
    with pytest.raises(InputError, match="raw_input_contents"):
        read_call(_call(_Input(name="x", datatype="FP16", shape=[2])))


def _fp32(*values: float, shape: tuple[int, ...] = (1, 1), datatype: str = "FP32") -> _Input:
    contents = InferTensorContents(fp32_contents=values)
    return _Input(name="x", datatype=datatype, shape=shape, contents=contents)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (_call(_fp32(1, 2)), "has 2 elements, and its shape takes 1"),
        (_call(_fp32()), "has 0 elements, and its shape takes 1"),
        (_call(_fp32(1, datatype="INT32")), "another list than int_contents"),
        (_call(_fp32(1, datatype="BYTES")), "no model here accepts"),
        (_call(_fp32(1, datatype="float32")), "no model here accepts"),
        (_call(_fp32(1, shape=(-1, 1))), "shape"),
        (_call(_fp32(1, shape=(2**62, 2**62))), "shape"),
        (_call(_fp32(1, shape=(1,) * 64)), "shape"),
        (_call(_fp32(1), raw=(b"\0" * 4,)), "twice"),
        (_call(_Input(name="x", datatype="FP32", shape=[1]), raw=(b"\0" * 4, b"")), "must all be in"),
        (_call(_Input(name="x", datatype="FP32", shape=[1]), raw=(b"\0" * 3,)), "3 bytes"),
        (_call(raw=(b"\0" * 3,)), "must all be in"),
        (
            _call(_Input(name="x", datatype="UINT8", shape=[1], contents=InferTensorContents(uint_contents=[256]))),
            "too large for UINT8",
        ),
        (_call(id="x" * 257), "at most 256 characters"),
        (_call(*[_fp32(1)] * 257), "more than 256"),
    ],
)
def test_an_invalid_request_is_rejected(call: ModelInferRequest, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_call(call)


def test_an_empty_tensor_is_accepted() -> None:
    assert read_call(_call(_fp32(shape=(0, 6)))).inputs[0].data.shape == (0, 6)
