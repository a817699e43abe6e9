"""The one table from a recipe's free text to when hops go in."""

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
"""Text, in lower case and without the day of a dry hop (``Dry Hop, at Day 8``), to the stage it means."""
ASSUMED = Stage.END
"""Stage of an addition whose text is not in the table: between the hops that bitter and those that do not."""

_MINUTES = re.compile(r"(\d{1,3}(?:\.\d+)?) ?(?:min|mins|minutes)?")
_DAY = re.compile(r"[, ]+(?:at )?day \d+$")
_SEPARATORS = re.compile(r"[_\s]+|(?<=[a-z])-(?=[a-z])", re.IGNORECASE)
_ALPHA = re.compile(r"(\d{1,2}(?:\.\d+)?) ?% ?(?:alpha|aa)(?: acids?)?")
LONGEST_BOIL = 300.0


def time_of(text: object) -> Stage | float | None:
    """When hops go in.

    Args:
        text: The recipe's ``add``: a stage or minutes, as text or number.

    Returns:
        The stage, or minutes in the boil; None where the table does not know the text.
    """
    plain = _DAY.sub("", _plain(text))
    number = _MINUTES.fullmatch(plain)
    if number and float(number[1]) <= LONGEST_BOIL:
        return float(number[1])
    return TIMES.get(plain)


def alpha_of(text: object) -> float | None:
    """Alpha acids that a recipe's ``attribute`` tells (``14% Alpha``), %; None where it tells something else."""
    found = _ALPHA.fullmatch(_plain(text))
    return float(found[1]) if found else None


def _plain(text: object) -> str:
    return _SEPARATORS.sub(" ", str(text)).strip().lower()
