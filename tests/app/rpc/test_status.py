"""The table of codes: every error has one, and none tells what a client must not see, or more than it can take."""

from collections.abc import Iterator

import pytest
from grpc import StatusCode

from app.errors import CallError, InputError, Overloaded, Problem, RateExceeded
from app.rpc.status import LONGEST_DETAILS, MALFORMED, STATUSES, CallRefused, details_of, status_of, trailing_of


def _below(kind: type[CallError]) -> Iterator[type[CallError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def test_every_error_is_in_the_table() -> None:
    assert set(_below(CallError)) == STATUSES.keys()


def test_no_error_of_a_caller_is_told_as_a_fault_of_ours() -> None:
    ours = {StatusCode.UNKNOWN, StatusCode.INTERNAL, StatusCode.OK}
    assert not ours & {status.code for status in STATUSES.values()}


def test_wrong_data_is_told_field_by_field() -> None:
    error = InputError([Problem("inputs.abv", "missing", "is required"), Problem("inputs.ph", "rank", "must be flat")])
    assert details_of(error) == "inputs.abv: is required; inputs.ph: must be flat"


@pytest.mark.parametrize("field", ["x" * 10_000, "inputs.\r\n\x00\x1b[2Jé"])
def test_details_are_short_printable_ascii(field: str) -> None:
    told = details_of(InputError([Problem(field, "unknown", "is not known")]))
    assert len(told) <= LONGEST_DETAILS and told.isascii() and told.isprintable()


def test_whoever_is_limited_learns_when_to_come_again_and_what_is_left() -> None:
    told = dict(trailing_of(RateExceeded(5, 60, 12)))
    assert told == {"retry-after": "12", "ratelimit-policy": '"key";q=5;w=60', "ratelimit": '"key";r=0;t=12'}
    assert dict(trailing_of(Overloaded())) == {"retry-after": "1"}
    assert status_of(CallRefused(MALFORMED)) is MALFORMED and trailing_of(CallRefused(MALFORMED)) == ()
