"""The cost of parsing a message: counted before it is parsed, for any encoding of the protobuf wire format."""

import pytest

from app.problem_types import MALFORMED_REQUEST, TOO_LARGE
from app.rpc._pb import open_inference_pb2 as pb
from app.rpc.message_cost import MAX_FIELDS, fields_of, parsing_cost
from app.rpc.status import CallRejected

FIELDS = fields_of(pb.ModelInferRequest.DESCRIPTOR)


def cost(raw: bytes) -> int:
    """Return the cost of a ModelInfer request."""
    return parsing_cost(raw, FIELDS)


def test_a_packed_list_is_one_field_and_counts_its_elements() -> None:
    request = pb.ModelInferRequest()
    request.inputs.add().contents.fp32_contents.extend([1.0] * 1_000_000)
    assert 20_000_000 < cost(request.SerializeToString()) < 40_000_000
    few, many = pb.ModelInferRequest(), pb.ModelInferRequest()
    few.inputs.add().contents.int64_contents.extend([2**40] * 1000)
    many.inputs.add().contents.int64_contents.extend([1] * 6000)
    assert cost(few.SerializeToString()) < cost(many.SerializeToString()) / 3


def test_the_largest_sensible_request_is_accepted() -> None:
    request = pb.ModelInferRequest(model_name="m", id="1")
    for index in range(256):
        tensor = request.inputs.add(name=f"input-{index}", datatype="FP64", shape=[1, 2**20])
        tensor.parameters["a"].string_param = "b"
        tensor.contents.fp64_contents.append(1.0)
        request.outputs.add(name=f"output-{index}").parameters["c"].bool_param = True
    assert cost(request.SerializeToString()) < 1_000_000


@pytest.mark.parametrize(
    "field", [b"\x2a\x00", b"\x32\x00", b"\x3a\x00", b"\x22\x00", b"\x78\x00", b"\x7b", b"\x7d1234"]
)
def test_too_many_fields_are_rejected(field: bytes) -> None:
    assert cost(field * MAX_FIELDS) < 2_000_000
    with pytest.raises(CallRejected, match=TOO_LARGE.code):
        cost(field * (MAX_FIELDS + 1))


def test_fields_of_submessages_are_counted() -> None:
    with pytest.raises(CallRejected, match=TOO_LARGE.code):
        cost((b"\x2a\x04\x2a\x02\x32\x00") * (MAX_FIELDS // 2))


@pytest.mark.parametrize("raw", [b"\x2a", b"\x2a\x05a", b"\x80", b"\xff" * 20, b"\x7e", b"\x2a\xff\xff\xff\xff\x0f"])
def test_a_message_that_ends_within_a_field_is_rejected(raw: bytes) -> None:
    with pytest.raises(CallRejected, match=MALFORMED_REQUEST.code):
        cost(raw)
