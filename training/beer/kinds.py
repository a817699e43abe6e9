"""Sorts beers into kinds, by which the evaluation gives figures: number of hop additions, and family of the style."""

import pandas as pd

from app.domains.beer.recipe_files.punk import entries, has_bill
from app.domains.beer.styles import find
from training.sources import Recipe

_ADDITIONS = ((3, "0 to 3"), (6, "4 to 6"), (9, "7 to 9"))
_FAMILIES = (
    (8, "lager"),
    (9, "strong beer"),
    (10, "wheat beer"),
    (12, "pale ale"),
    (16, "British and Irish ale, porter and stout"),
    (17, "strong beer"),
    (18, "pale ale"),
    (20, "American amber, brown, porter and stout"),
    (21, "IPA"),
    (22, "strong beer"),
    (28, "Belgian, sour and historical beer"),
    (34, "beer with fruit, spices, smoke or wood"),
)
"""Families by the last category of the BJCP's guidelines (2021) that belongs to them."""


def kinds(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Sort cleaned beers.

    Args:
        frame: Cleaned beers, with the column ``beer``.

    Returns:
        Each beer's kind by number of hop additions and by family of style; empty where it is not known.
    """
    beers = list(frame["beer"])
    return {
        "number of hop additions": [_additions(beer) for beer in beers],
        "family of the style": [_family(beer) for beer in beers],
    }


def _additions(beer: Recipe) -> str:
    if not has_bill(beer):
        return ""
    count = sum(entry.kind != "other" for entry in entries(beer))
    return next((name for most, name in _ADDITIONS if count <= most), f"{_ADDITIONS[-1][0] + 1} or more")


def _family(beer: Recipe) -> str:
    style = find(beer["style"]) if isinstance(beer.get("style"), str) else None
    digits = style.code.rstrip("ABCDEFGHIJ") if style else ""
    if not digits.isdecimal():
        return ""
    return next((name for last, name in _FAMILIES if int(digits) <= last), "")
