"""Compares a prediction with the bitterness of the beer's style."""

from app.domains.api import Warning
from app.domains.beer.answers import Interval, StyleMatch
from app.domains.beer.distribution import Distribution
from app.domains.beer.styles import Range, find

AIM = 2.4
"""Factor on the odds that a beer's bitterness is in the range of its stated style.

A brewer who states a style aims at its range, and most errors are smaller than a normal distribution of the interval's
width has them. Fitted on held-out predictions of `beer-ibu` and `beer-ibu-recipe` for 227 beers of the training
catalogue with a style guessed from the name; it fits those of `beer-ibu-style` as well, see docs/model.md.
"""


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

    It follows from the distribution through the ends of the interval, see
    `app.domains.beer.distribution.Distribution`. The odds are multiplied by `AIM`.

    Args:
        wanted: The range, IBU.
        ibu: The prediction, IBU.
        interval: Its interval.
    """
    distribution = Distribution(ibu, [interval])
    chance = distribution.at_most(wanted.high) - (distribution.at_most(wanted.low) if wanted.low > 0 else 0.0)
    return AIM * chance / (1 + (AIM - 1) * chance)
