"""Numbers as files state them."""

import re
from typing import Any

_NUMBER = re.compile(r"[ \t\r\n]*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\r\n]*")
MAX_LENGTH = 100
"""Characters of a number; a longer text is none."""


def number(value: Any) -> float | None:
    """Return a stated figure as a number; None if it is no finite number.

    Args:
        value: A number, or text with a decimal point. Python would also take ``1_056`` and ``nan``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > MAX_LENGTH or not _NUMBER.fullmatch(value)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if abs(result) < float("inf") else None
