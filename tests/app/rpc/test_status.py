"""Errors over gRPC: their details and their trailing metadata."""

import pytest
from grpc import StatusCode

from app.errors import InputError, LimitsUnavailable, NotAuthenticated, Overloaded, Problem, RateExceeded
from app.problem_types import MALFORMED_REQUEST, NOT_FOUND, PROBLEM_TYPES
from app.rpc.status import MAX_DETAILS, CallRejected, details_of, status_code, trailing_metadata


def test_a_rejected_call_has_the_status_and_details_of_its_problem_type() -> None:
    error = CallRejected(NOT_FOUND)
    assert (status_code(error), details_of(error)) == (StatusCode.UNIMPLEMENTED, "This method does not exist.")
    assert status_code(NotAuthenticated()) is StatusCode.UNAUTHENTICATED
    assert "metadata" in details_of(NotAuthenticated())


def test_every_problem_type_that_occurs_over_grpc_has_details() -> None:
    for problem_type in PROBLEM_TYPES:
        if problem_type.grpc_status:
            assert details_of(CallRejected(problem_type))


def test_the_details_of_invalid_input_list_the_fields() -> None:
    error = InputError([Problem("inputs.abv", "missing", "is required"), Problem("inputs.ph", "rank", "must be flat")])
    assert details_of(error) == "inputs.abv: is required; inputs.ph: must be flat"
    assert details_of(InputError([])) == "The message contains invalid values."
    many = details_of(InputError([Problem("x", "missing", "is required")] * 33))
    assert many.count("x: is required") == 20 and many.endswith("; and 13 more")


@pytest.mark.parametrize("field", ["x" * 10_000, "inputs.\r\n\x00\x1b[2Jé"])
def test_details_are_short_printable_ascii(field: str) -> None:
    details = details_of(InputError([Problem(field, "unknown", "is not known")]))
    assert len(details) <= MAX_DETAILS and details.isascii() and details.isprintable()


def test_a_limited_call_learns_when_to_retry_and_what_is_left_of_its_rate() -> None:
    assert dict(trailing_metadata(RateExceeded(5, 60, 12))) == {
        "retry-after": "12",
        "ratelimit-policy": '"key";q=5;w=60',
        "ratelimit": '"key";r=0;t=12',
    }
    for error in Overloaded(), LimitsUnavailable():
        assert dict(trailing_metadata(error)) == {"retry-after": "1"}
    assert trailing_metadata(CallRejected(MALFORMED_REQUEST)) == ()
