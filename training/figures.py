"""Numbers as sources state them."""

from typing import Any

from app.batch.cells import NUMBERS


def number(value: Any) -> float | None:
    """Return a stated figure as a number; None if it is no finite number.

    Args:
        value: A number, or text with a decimal point. Python would also take ``1_056`` and ``nan``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not NUMBERS["."].fullmatch(value):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if abs(result) < float("inf") else None
