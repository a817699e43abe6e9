"""The table of errors: complete, consistent, and equal to the documentation."""

import re
from pathlib import Path

import pytest
from grpc import StatusCode

from app import problem_types
from app.errors import (
    CallError,
    InputError,
    LimitsUnavailable,
    ModelNotFound,
    Overloaded,
    RateExceeded,
    TooManyFailures,
)
from app.problem_types import PROBLEM_TYPES, ProblemType, problem_type_of, retry_after

PROTOCOLS = Path(__file__).parents[2] / "docs" / "protocols.md"


def subclasses(error: type[CallError]) -> set[type[CallError]]:
    return {item for child in error.__subclasses__() for item in (child, *subclasses(child))}


def test_each_call_error_has_a_problem_type() -> None:
    assert {problem_type_of(error) for error in subclasses(CallError)} <= set(PROBLEM_TYPES)


def test_the_table_holds_every_problem_type_of_the_module() -> None:
    assert set(PROBLEM_TYPES) == {value for value in vars(problem_types).values() if isinstance(value, ProblemType)}


@pytest.mark.parametrize("problem_type", PROBLEM_TYPES, ids=lambda item: item.code)
def test_statuses_are_errors_and_details_are_sentences(problem_type: ProblemType) -> None:
    assert problem_type.http_status or problem_type.grpc_status
    assert problem_type.http_status in (0, 308) or 400 <= problem_type.http_status < 600
    assert problem_type.grpc_status == "" or StatusCode[problem_type.grpc_status] is not StatusCode.OK
    for detail in (problem_type.detail, problem_type.grpc_detail or problem_type.detail):
        assert detail.isascii() and detail.endswith(".")


def test_a_code_stands_for_one_http_status() -> None:
    codes = [problem_type.code for problem_type in PROBLEM_TYPES if problem_type.http_status]
    assert len(codes) == len(set(codes))


def test_only_an_internal_error_is_reported_as_one() -> None:
    internal = {"INTERNAL", "UNKNOWN"}
    assert [item.code for item in PROBLEM_TYPES if item.grpc_status in internal] == ["internal_error"]
    assert [item.code for item in PROBLEM_TYPES if item.http_status == 500] == ["internal_error"]


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (RateExceeded(5, 60, 12), 12),
        (TooManyFailures(5, 60, 7), 7),
        (LimitsUnavailable(), 1),
        (Overloaded(), 1),
        (ModelNotFound(), None),
        (InputError([]), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_says_when_to_retry(error: CallError, seconds: int | None) -> None:
    assert retry_after(error) == seconds


def documentation() -> str:
    """Return the table of docs/protocols.md as it should be."""
    rows = ["| code | HTTP | gRPC | Retry-After | meaning |", "|---|---|---|---|---|"]
    for item in PROBLEM_TYPES:
        seconds = "yes" if item.http_status == 429 else f"{item.retry_after} s" if item.retry_after else ""
        rows.append(f"| `{item.code}` | {item.http_status or ''} | {item.grpc_status} | {seconds} | {item.detail} |")
    return "\n".join(rows)


def test_the_documentation_has_the_same_table() -> None:
    match = re.search(r"\| code \| HTTP \|.*?(?=\n\n)", PROTOCOLS.read_text("utf-8"), re.DOTALL)
    assert match, "docs/protocols.md has no table of error codes"
    assert match[0] == documentation(), f"docs/protocols.md should have this table:\n{documentation()}"
