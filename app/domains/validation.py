"""Findings: what a schema's validator found wrong, as problems that hold none of the values."""

from collections.abc import Sequence

from pydantic import ValidationError

from app.errors import Problem

MOST_ENUMERATED = 10_000
"""Faults above this number are counted, not told: pydantic makes all of them or none, and a million take seconds."""


def problems_of(error: ValidationError) -> list[Problem]:
    """What pydantic found, as problems: paths and reasons without the values.

    Args:
        error: From a schema's validator.
    """
    if error.error_count() > MOST_ENUMERATED:
        return [Problem("body", "too_many_problems", f"has {error.error_count()} faults, too many to tell")]
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return [problem_of(fault["loc"], fault["type"], fault["msg"]) for fault in faults]


def problem_of(location: Sequence[int | str], code: str, message: str) -> Problem:
    """One of pydantic's findings as a problem.

    Args:
        location: Path to the value.
        code: Its type.
        message: Its message, without the value.
    """
    return Problem(_path(location), code, _reason(code, message))


def _path(parts: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in parts) or "body"


_REASONS = {
    "extra_forbidden": "is not a field of this request",
    "missing": "is required",
    "json_invalid": "is not valid JSON",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
}


def _reason(code: str, message: str) -> str:
    known = _REASONS.get(code)
    if known is None:
        return message.replace("Input should", "must").removeprefix("Value error, ")
    where = message.rpartition(" at ")[2] if code == "json_invalid" else ""  # "line 1 column 2" tells nobody's data
    return f"{known} (at {where})" if where else known


def sanitize(text: str, longest: int) -> str:
    """Text that is safe in a log, a terminal and a page: a field's name may be the caller's own invention.

    Args:
        text: Any text.
        longest: Most characters.
    """
    kept = "".join(c if c.isascii() and c.isprintable() and c not in "<>&" else "?" for c in text[: longest + 1])
    return kept if len(kept) <= longest else kept[: longest - 3] + "..."
