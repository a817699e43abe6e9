"""Stages of brewing at which hops are added, and the words that recipes have for them."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Stage(StrEnum):
    """Stage of brewing at which hops are added."""

    MASH = "mash"
    FIRST_WORT = "first_wort"
    START = "start"
    MIDDLE = "middle"
    END = "end"
    WHIRLPOOL = "whirlpool"
    DRY_HOP = "dry_hop"

    @classmethod
    def _missing_(cls, value: object) -> "Stage | None":
        """Find the stage of another word for it."""
        return stage_of(value) if isinstance(value, str) else None


WORDS: Mapping[str, Stage] = MappingProxyType(
    {
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
)
"""Stage by word, in lower case and without the day of a dry hop (``Dry Hop, at Day 8``)."""
MAX_WORD_LENGTH = 40
"""Characters of a word for a stage; a longer one is unknown."""

_DAY = re.compile(r"[, ]+(?:at )?day \d+$")
_SEPARATORS = re.compile(r"[_\s]+|(?<=[a-z])-(?=[a-z])", re.IGNORECASE)


def plain(text: object) -> str:
    """Lower case, one space in place of blanks, underscores and hyphens, and no day of a dry hop."""
    return _DAY.sub("", _SEPARATORS.sub(" ", str(text)).strip().lower())


def stage_of(text: str) -> Stage | None:
    """Find the stage that a recipe's word means; None if it is unknown."""
    return WORDS.get(plain(text)) if len(text) <= MAX_WORD_LENGTH else None
