"""Reads the time of a hop addition, and its alpha acid, from the free text of a recipe in the Punk API's shape."""

import re

from app.domains.beer.stages import MAX_WORD_LENGTH, WORDS, Stage, plain

ASSUMED = Stage.END
"""Stage of an addition with an unknown text: late hops contribute some bitterness."""

_MINUTES = re.compile(r"(\d{1,3}(?:\.\d+)?) ?(?:min|mins|minutes)?")
_ALPHA = re.compile(r"(\d{1,2}(?:\.\d+)?) ?% ?(?:alpha|aa)(?: acids?)?")
MAX_BOIL_MINUTES = 300.0
"""Longest boil time that is accepted."""


def time_of(text: object) -> Stage | float | None:
    """Read the time of an addition.

    Args:
        text: The recipe's ``add``: a stage or minutes, as text or number.

    Returns:
        The stage, or the boil time in minutes; None if the text is unknown.
    """
    words = _plain(text)
    minutes = _MINUTES.fullmatch(words)
    if minutes and float(minutes[1]) <= MAX_BOIL_MINUTES:
        return float(minutes[1])
    return WORDS.get(words)


def alpha_of(text: object) -> float | None:
    """Read the alpha acid in a recipe's ``attribute`` (``14% Alpha``), %; None if it states none."""
    match = _ALPHA.fullmatch(_plain(text))
    return float(match[1]) if match else None


def _plain(text: object) -> str:
    return plain(text) if not isinstance(text, str) or len(text) <= MAX_WORD_LENGTH else ""
