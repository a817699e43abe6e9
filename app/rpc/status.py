"""Errors over gRPC: status code, details and trailing metadata. Details never contain input."""

from collections.abc import Sequence

from grpc import StatusCode

from app.access.guard import rate_limit_headers
from app.errors import CallError, InputError, Problem
from app.problem_types import ProblemType, problem_type_of, retry_after

MAX_PROBLEMS = 20
"""Maximum number of invalid fields in the details."""
MAX_DETAILS = 2048
"""Maximum length of the details in bytes; clients accept 8 KB of metadata in total."""


class CallRejected(Exception):
    """The call was rejected before its message was understood."""

    def __init__(self, problem_type: ProblemType) -> None:
        """Create the error.

        Args:
            problem_type: What is wrong; it has a gRPC status.
        """
        super().__init__(problem_type.code)
        self.problem_type = problem_type


def problem_of(error: CallError | CallRejected) -> ProblemType:
    """Return the problem type of an error."""
    return error.problem_type if isinstance(error, CallRejected) else problem_type_of(type(error))


def status_code(error: CallError | CallRejected) -> StatusCode:
    """Return the gRPC status code of an error."""
    return StatusCode[problem_of(error).grpc_status]


def details_of(error: CallError | CallRejected) -> str:
    """Return the details of an error in ASCII; those of invalid input list the invalid fields."""
    problem_type = problem_of(error)
    details = problem_type.grpc_detail or problem_type.detail
    return _field_details(error.problems) or details if isinstance(error, InputError) else details


def _field_details(problems: Sequence[Problem]) -> str:
    text = "; ".join(f"{problem.field}: {problem.reason}" for problem in problems[:MAX_PROBLEMS])
    if len(problems) > MAX_PROBLEMS:
        text += f"; and {len(problems) - MAX_PROBLEMS} more"
    text = "".join(character if character.isascii() and character.isprintable() else "?" for character in text)
    return text if len(text) <= MAX_DETAILS else f"{text[: MAX_DETAILS - 3]}..."


def trailing_metadata(error: CallError | CallRejected) -> tuple[tuple[str, str], ...]:
    """Return ``retry-after`` in seconds, and the rest of a rate, as far as the error has them."""
    if isinstance(error, CallRejected):
        return ()
    seconds = retry_after(error)
    retry = (("retry-after", str(seconds)),) if seconds is not None else ()
    return (*retry, *rate_limit_headers(error))
