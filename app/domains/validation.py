"""Validation errors of pydantic as problems, without the values."""

from collections.abc import Sequence

from pydantic import ValidationError

from app.errors import Problem
from app.runtime.json_keys import repeated_keys

MAX_ENUMERATED = 1_000
"""Maximum number of errors that are listed. Pydantic lists all of them or none, and 10,000 take up to a second."""
_TOO_MANY = "too_many_problems"


def problems_of(error: ValidationError) -> list[Problem]:
    """Return the problems of a validation error.

    Args:
        error: The error of a schema's validator.
    """
    if error.error_count() > MAX_ENUMERATED:
        return [Problem("body", _TOO_MANY, f"has {error.error_count()} errors, too many to list")]
    details = error.errors(include_input=False, include_url=False, include_context=False)
    return [problem_of(detail["loc"], detail["type"], detail["msg"]) for detail in details]


def is_complete(problems: Sequence[Problem]) -> bool:
    """Return whether problems are all that the schema finds, so that it is of use to look for others as well."""
    return not any(problem.code in ("json_invalid", _TOO_MANY) for problem in problems)


def repeated(text: bytes) -> list[Problem]:
    """Return a problem for each key that an object of a valid JSON text has twice."""
    return [Problem(path or "body", "repeated_key", "is given more than once") for path in repeated_keys(text)]


def problem_of(location: Sequence[int | str], code: str, message: str) -> Problem:
    """Return the problem for one of pydantic's errors.

    Args:
        location: Path of the value.
        code: Pydantic's type of the error.
        message: Pydantic's message, without the value.
    """
    return Problem(".".join(str(part) for part in location) or "body", code, _reason(code, message))


_REASONS = {
    "extra_forbidden": "is not a field of this request",
    "missing": "is required",
    "json_invalid": "is not valid JSON",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be a valid array",
    "model_type": "must be an object",
    "dict_type": "must be an object",
}
"""Reasons by pydantic's type; those of arrays and objects, which pydantic names otherwise if they were read before."""


def _reason(code: str, message: str) -> str:
    reason = _REASONS.get(code)
    if reason is None or (code == "missing" and message != "Field required"):
        return message.replace("Input should", "must").removeprefix("Value error, ")
    position = message.rpartition(" at ")[2] if code == "json_invalid" else ""  # "line 1 column 2"
    return f"{reason} (at {position})" if position else reason


def sanitize(text: str, max_length: int) -> str:
    """Return text that is safe in a log, a terminal and a page. Field names may be the client's own.

    Args:
        text: Any text.
        max_length: Maximum number of characters.
    """
    safe = "".join(c if c.isascii() and c.isprintable() and c not in "<>&" else "?" for c in text[: max_length + 1])
    return safe if len(safe) <= max_length else safe[: max_length - 3] + "..."
