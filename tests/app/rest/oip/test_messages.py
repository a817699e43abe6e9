"""Messages of the Open Inference Protocol: calls are read or rejected, and answers can be read back."""

import gzip
import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from app.bundle.manifest import Output
from app.bundle.store import read_bundle
from app.errors import InputError
from app.oip.data_plane import InferAnswer
from app.oip.tensors import DTYPES
from app.rest.oip.messages import JSON_LENGTH, CallMessage, decompress, json_length, read_call, write_answer
from app.rest.problems import RequestRejected
from tests.committed import committed

MANIFEST = read_bundle(committed("iris")).manifest
WHOLE = b'{"inputs": []}'


def body(*inputs: dict[str, Any], raw: bytes | None = None, **more: Any) -> tuple[bytes, int | None]:
    """A body, and the length of its JSON part; None if all of it is JSON."""
    text = json.dumps({**more, "inputs": inputs}).encode()
    return (text, None) if raw is None else (text + raw, len(text))


def tensor(**more: Any) -> dict[str, Any]:
    return {"name": "x", "datatype": "FP32", "shape": [2, 2], **more}


def read(*inputs: dict[str, Any], **more: Any) -> CallMessage:
    return read_call("iris", None, *body(*inputs, **more))


def sized(size: object, **more: Any) -> dict[str, Any]:
    """An input whose data follows as bytes."""
    return tensor(parameters={"binary_data_size": size}, **more)


RAW = np.array([[1, 2], [3, 4]], "<f4").tobytes()


@pytest.mark.parametrize(
    ("inputs", "raw"),
    [
        (tensor(data=[1, 2, 3, 4]), None),
        (tensor(data=[[1, 2], [3, 4]]), None),
        (tensor(data=[1.0, 2, 3, 4]), b""),
        (sized(16), RAW),
        (sized(16, data=None), RAW),
    ],
    ids=["flat", "nested", "no bytes follow", "bytes", "null beside bytes"],
)
def test_a_tensor_is_the_same_in_each_format(inputs: dict[str, Any], raw: bytes | None) -> None:
    (got,) = read(inputs, raw=raw).call.inputs
    assert (got.name, got.datatype) == ("x", "FP32") and got.data.dtype == np.float32
    assert got.data.tolist() == [[1, 2], [3, 4]]


def test_bytes_follow_the_order_of_the_inputs_that_have_no_list() -> None:
    first, second, third = sized(4, shape=[1]), tensor(name="y", shape=[1], data=[7]), sized(8, name="z", shape=[2, 1])
    asked = read(first, second, third, raw=np.array([1, 2, 3], "<f4").tobytes())
    assert [(t.name, t.data.ravel().tolist()) for t in asked.call.inputs] == [("x", [1]), ("y", [7]), ("z", [2, 3])]


def test_an_empty_tensor_may_be_an_empty_list_or_no_bytes() -> None:
    for inputs, raw in ((tensor(shape=[0, 2], data=[]), None), (sized(0, shape=[0, 2]), b"")):
        assert read(inputs, raw=raw).call.inputs[0].data.shape == (0, 2)


@pytest.mark.parametrize(
    ("field", "code", "inputs", "raw"),
    [
        ("inputs.x", "data_size", sized(17), RAW),
        ("inputs.x", "data_size", sized(-1), RAW),
        ("inputs.x", "data_size", sized(16.0), RAW),
        ("inputs.x", "data_size", sized(True), RAW),
        ("inputs.x", "data_size", sized("16"), RAW),
        ("inputs.x", "data_size", sized(16), None),
        ("inputs.x", "data_size", sized(12), RAW[:12]),
        ("inputs.x", "data", sized(16, data=[1, 2, 3, 4]), RAW),
        ("body", "data_size", sized(16), RAW + b"1"),
        ("body", "data_size", tensor(data=[1, 2, 3, 4]), RAW),
        ("inputs.x", "data", tensor(), None),
        ("inputs.0.shape", "missing", {"name": "x", "datatype": "FP32", "data": [1]}, None),
        ("inputs.0.shape.0", "int_type", tensor(shape=[2.0, 2]), None),
        ("inputs.0.shape.1", "less_than_equal", tensor(shape=[2, 2**31]), None),
        ("inputs.0.shape", "too_long", tensor(shape=[1] * 9), None),
        ("inputs.0.name", "string_type", tensor(name=1), None),
        ("inputs.0.parameters", "dict_type", tensor(parameters=[]), None),
    ],
)
def test_an_inconsistent_input_is_rejected(field: str, code: str, inputs: dict[str, Any], raw: bytes | None) -> None:
    with pytest.raises(InputError) as error:
        read(inputs, raw=raw)
    assert [(problem.field, problem.code) for problem in error.value.problems] == [(field, code)]


@pytest.mark.parametrize("json_size", [len(WHOLE) + 1, 10**17, len(WHOLE) - 1, 0])
def test_a_wrong_json_length_is_rejected(json_size: int) -> None:
    with pytest.raises(InputError) as error:
        read_call("iris", None, WHOLE, json_size)
    assert error.value.problems[0].field == "body"


@pytest.mark.parametrize("value", [b"", b"-1", b"+1", b"1 ", b"1.0", b"0x1", b"\xb2", b"1" * 19])
def test_a_json_length_that_is_not_a_number_is_rejected(value: bytes) -> None:
    with pytest.raises(RequestRejected) as refusal:
        json_length({"headers": [(JSON_LENGTH, value)]})
    assert refusal.value.problem_type.http_status == 400
    with pytest.raises(RequestRejected):
        json_length({"headers": [(JSON_LENGTH, b"14"), (JSON_LENGTH, b"14")]})
    assert json_length({"headers": []}) is None and json_length({"headers": [(JSON_LENGTH, b"014")]}) == 14


@pytest.mark.parametrize(
    ("parameters", "outputs", "names", "binary"),
    [
        ({}, None, [], (False, False)),
        ({"binary_data_output": True}, None, [], (True, True)),
        ({"binary_data_output": True}, [], [], (True, True)),
        ({"binary_data_output": True}, [{"name": "scores"}], ["scores"], (False, True)),
        ({}, [{"name": "scores", "parameters": {"binary_data": True}}], ["scores"], (False, True)),
        (
            {"binary_data_output": True},
            [{"name": "scores", "parameters": {"binary_data": False}}, {"name": "class_id"}],
            ["scores", "class_id"],
            (True, False),
        ),
        ({"binary_data_output": "true"}, None, [], (False, False)),
    ],
)
def test_requested_outputs_are_returned_as_bytes(
    parameters: dict[str, Any], outputs: list[Any] | None, names: list[str], binary: tuple[bool, bool]
) -> None:
    asked = read(parameters=parameters, outputs=outputs)
    assert asked.call.outputs == names
    is_binary = [name in asked.binary or asked.all_binary for name in ("class_id", "scores")]
    assert tuple(is_binary) == binary


def answer(*arrays: Any, asked: CallMessage) -> tuple[dict[str, Any], bytes]:
    """Return the JSON of an answer with these outputs, and the bytes after it."""
    outputs = [
        (Output(name=f"y{n}", datatype=datatype, shape=(-1,) * array.ndim, unit="", description=""), array)
        for n, (datatype, array) in enumerate(arrays)
    ]
    text, media, headers = write_answer(asked, InferAnswer(MANIFEST, outputs, ()))
    length = dict(headers).get(JSON_LENGTH)
    assert media == (b"application/json" if length is None else b"application/octet-stream")
    cut = len(text) if length is None else int(length)
    message: dict[str, Any] = json.loads(text[:cut])
    return message, text[cut:]


def test_an_answer_names_the_model_and_repeats_the_id() -> None:
    message, raw = answer(("INT64", np.array([[1], [2]])), asked=read(id="one"))
    assert message == {
        "model_name": "iris",
        "model_version": "1",
        "id": "one",
        "outputs": [{"name": "y0", "datatype": "INT64", "shape": [2, 1], "data": [1, 2]}],
    }
    assert raw == b"" and "id" not in answer(asked=read())[0]


_arrays = st.sampled_from(("BOOL", "UINT8", "INT32", "INT64", "FP32", "FP64")).flatmap(
    lambda datatype: st.tuples(
        st.just(datatype),
        npst.arrays(
            DTYPES[datatype],
            npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
            elements={"allow_nan": False, "allow_infinity": False} if datatype.startswith("FP") else None,
        ),
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_arrays, max_size=4), st.booleans())
def test_an_answer_can_be_read_back_bit_for_bit(arrays: list[Any], binary: bool) -> None:
    message, raw = answer(*arrays, asked=read(parameters={"binary_data_output": binary}))
    text = json.dumps({"inputs": message["outputs"]}).encode()
    back = read_call("iris", None, text + raw, len(text)).call.inputs
    for (datatype, array), got in zip(arrays, back, strict=True):
        assert got.datatype == datatype and got.data.dtype == array.dtype
        assert got.data.shape == array.shape and got.data.tobytes() == array.tobytes()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 70) | st.none(), st.booleans())
def test_any_message_is_read_or_rejected(data: bytes, json_size: int | None, beside: bool) -> None:
    text = body(sized(16))[0]
    try:
        read_call("iris", None, text + data if beside else data, len(text) if beside else json_size)
    except InputError as error:
        assert error.problems


DATA = b"beer " * 1000


def _bare(data: bytes) -> bytes:
    """Compress with deflate, without the zlib header."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


CODED = {
    "gzip": (b"gzip", gzip.compress(DATA)),
    "x-gzip": (b"x-gzip", gzip.compress(DATA)),
    "zlib": (b"deflate", zlib.compress(DATA)),
    "bare": (b"deflate", _bare(DATA)),
}


@pytest.mark.parametrize(("coding", "data"), CODED.values(), ids=CODED)
def test_a_body_is_decompressed_up_to_the_limit(coding: bytes, data: bytes) -> None:
    assert decompress(coding, data, len(DATA), lambda piece: None) == DATA
    with pytest.raises(RequestRejected) as refusal:
        decompress(coding, data, len(DATA) - 1, lambda piece: None)
    assert (refusal.value.problem_type.http_status, refusal.value.unread) == (413, False)


@pytest.mark.parametrize(("coding", "data"), CODED.values(), ids=CODED)
@pytest.mark.parametrize("how", ["empty", "cut off", "more behind", "plain"])
def test_a_body_that_does_not_match_its_encoding_is_rejected(coding: bytes, data: bytes, how: str) -> None:
    wrong = {"empty": b"", "cut off": data[:-1], "more behind": data + b"x", "plain": b"{}"}[how]
    with pytest.raises(RequestRejected) as refusal:
        decompress(coding, wrong, len(DATA), lambda piece: None)
    assert (refusal.value.problem_type.http_status, refusal.value.unread) == (400, False)


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"identity, gzip"])
def test_an_unsupported_encoding_is_rejected(coding: bytes) -> None:
    with pytest.raises(RequestRejected) as refusal:
        decompress(coding, b"", 10, lambda piece: None)
    assert refusal.value.problem_type.http_status == 415
