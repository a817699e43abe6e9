"""Compares a prediction with the bitterness of the beer's style."""

import math
from statistics import NormalDist

from app.domains.api import Warning
from app.domains.beer.schema import Interval, StyleMatch
from app.domains.beer.styles import Range, find

AIM = 2.4
"""Factor on the odds that a beer's bitterness is in the range of its stated style.

A brewer who states a style aims at its range, and most errors are smaller than a normal distribution of the interval's
width has them. Fitted on held-out predictions of `beer-ibu` and `beer-ibu-recipe` for 227 beers of the training
catalogue with a style guessed from the name; it fits those of `beer-ibu-style` as well, see docs/model.md.
"""
_NORMAL = NormalDist()


def match_style(name: str, ibu: float, interval: Interval, warnings: list[Warning]) -> StyleMatch | None:
    """Compare a prediction with the bitterness of a style.

    Args:
        name: Code or name of the style, as the request has it.
        ibu: The prediction, IBU.
        interval: Its interval.
        warnings: Warnings of the prediction; receives one if the style is unknown.

    Returns:
        The comparison; None if the style is unknown. Without ranges in the guidelines it has only code and name.
    """
    style = find(name)
    if style is None:
        warnings.append(
            {
                "code": "unknown_style",
                "message": f"{name} is not in the table of styles (BJCP 2021); the prediction is the same as without "
                "a style.",
                "field": "style",
            }
        )
        return None
    match: StyleMatch = {"code": style.code, "name": style.name}
    if style.ibu:
        low, high = style.ibu
        match["bitterness"] = {
            "low": low,
            "high": high,
            "inside": low <= ibu <= high,
            "probability": round(probability_inside(style.ibu, ibu, interval), 2),
        }
    return match


def probability_inside(wanted: Range, ibu: float, interval: Interval) -> float:
    """Estimate the probability that a beer's bitterness is inside the range of its stated style.

    The square root of the bitterness is taken as normally distributed on each side of the prediction, with the width
    that puts half of the interval's misses beyond its end on that side. A lower end of 0 is cut off there, and tells
    nothing about the width, which is then at least that of the upper side. The odds that follow are multiplied by
    `AIM`.

    Args:
        wanted: The range, IBU.
        ibu: The prediction, IBU.
        interval: Its interval.
    """
    centre = _root(ibu)
    above, below = _root(interval["upper"]) - centre, centre - _root(interval["lower"])
    if interval["lower"] <= 0:
        below = max(below, above)
    quantile = _NORMAL.inv_cdf((1 + interval["coverage"]) / 2)

    def at_most(bitterness: float) -> float:
        distance = _root(bitterness) - centre
        width = above if distance > 0 else below
        if width <= 0:  # that side's half of the probability is at the prediction itself
            return 0.5 + 0.5 * ((distance > 0) - (distance < 0))
        return _NORMAL.cdf(quantile * distance / width)

    chance = at_most(wanted.high) - (at_most(wanted.low) if wanted.low > 0 else 0.0)
    return AIM * chance / (1 + (AIM - 1) * chance)


def _root(ibu: float) -> float:
    return math.sqrt(max(ibu, 0.0))
