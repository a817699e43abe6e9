"""Reads the time of a hop addition, and its alpha acid, from a recipe's free text."""

import re

from app.domains.beer.hop_bill import Stage

TIMES: dict[str, Stage] = {
    "mash": Stage.MASH,
    "fwh": Stage.FIRST_WORT,
    "first wort": Stage.FIRST_WORT,
    "first wort hops": Stage.FIRST_WORT,
    "start": Stage.START,
    "bittering": Stage.START,
    "middle": Stage.MIDDLE,
    "end": Stage.END,
    "kettle": Stage.END,
    "additions": Stage.END,
    "flame out": Stage.WHIRLPOOL,
    "flameout": Stage.WHIRLPOOL,
    "whirlpool": Stage.WHIRLPOOL,
    "whp": Stage.WHIRLPOOL,
    "hop stand": Stage.WHIRLPOOL,
    "hopback": Stage.WHIRLPOOL,
    "dry hop": Stage.DRY_HOP,
    "dry hops": Stage.DRY_HOP,
    "fv": Stage.DRY_HOP,
    "fv addition": Stage.DRY_HOP,
    "fermentation": Stage.DRY_HOP,
    "maturation": Stage.DRY_HOP,
    "wood ageing": Stage.DRY_HOP,
}
"""Stage by text, in lower case and without the day of a dry hop (``Dry Hop, at Day 8``)."""
ASSUMED = Stage.END
"""Stage of an addition with an unknown text: late hops contribute some bitterness."""

_MINUTES = re.compile(r"(\d{1,3}(?:\.\d+)?) ?(?:min|mins|minutes)?")
_DAY = re.compile(r"[, ]+(?:at )?day \d+$")
_SEPARATORS = re.compile(r"[_\s]+|(?<=[a-z])-(?=[a-z])", re.IGNORECASE)
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
    plain = _DAY.sub("", _plain(text))
    minutes = _MINUTES.fullmatch(plain)
    if minutes and float(minutes[1]) <= MAX_BOIL_MINUTES:
        return float(minutes[1])
    return TIMES.get(plain)


def alpha_of(text: object) -> float | None:
    """Read the alpha acid in a recipe's ``attribute`` (``14% Alpha``), %; None if it states none."""
    match = _ALPHA.fullmatch(_plain(text))
    return float(match[1]) if match else None


def _plain(text: object) -> str:
    return _SEPARATORS.sub(" ", str(text)).strip().lower()
