"""Errors in the format of an operation's older contract."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import to_json

from app.domains.validation import sanitize
from app.errors import Problem
from app.problem_types import ProblemType
from app.rest.problems import MAX_PROBLEMS, ProblemFormatter
from app.rest.responses import JSON

_MAX_LENGTH = 1000


def error_format(failure: Callable[[str], Any]) -> ProblemFormatter:
    """Return a formatter that puts a problem into one sentence; the HTTP status stays the same.

    Args:
        failure: Makes the body from the sentence; see `Operation.failure`.
    """

    def format_error(problem_type: ProblemType, problems: Sequence[Problem]) -> tuple[bytes, bytes]:
        sentence = "; ".join(f"{problem.field}: {problem.reason}" for problem in problems[:MAX_PROBLEMS])
        more = f"; and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
        return to_json(failure(sanitize(sentence + more, _MAX_LENGTH) or problem_type.detail)), JSON

    return format_error
