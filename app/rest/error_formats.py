"""Failures in the words of an operation's own, older contract."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from app.domains.api import Operation
from app.domains.validation import tamed
from app.errors import Problem
from app.problem_types import ProblemType
from app.rest.problems import MOST_PROBLEMS, Tell
from app.rest.responses import JSON

_LONGEST = 1000


def error_format(failure: Callable[[str], Any]) -> Tell:
    """Words problems as an operation does: one sentence in a body of its own, with this door's status.

    Args:
        failure: See `Operation.failure`.
    """

    def tell(problem_type: ProblemType, problems: Sequence[Problem]) -> tuple[bytes, bytes]:
        sentence = "; ".join(f"{problem.field}: {problem.reason}" for problem in problems[:MOST_PROBLEMS])
        return to_json(failure(tamed(sentence, _LONGEST) or problem_type.detail)), JSON

    return tell


def in_own_words(operation: Operation[Any, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    """What a route says of itself, with the operation's own words beside this door's in each failure.

    The key's failures are told by the gate, which knows no operation, and so in this door's words.

    Args:
        operation: Has words of its own.
        described: `APIRoute`'s arguments, with ``responses``.
    """
    own = {"application/json": {"schema": {"$ref": f"#/components/schemas/{operation.answer.__name__}"}}}
    responses = {
        status: {**response, "content": {**response["content"], **own}}
        for status, response in described["responses"].items()
    }
    return {**described, "responses": responses}
