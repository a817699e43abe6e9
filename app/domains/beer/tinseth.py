"""Tinseth's formula of hop utilisation.

Source: Glenn Tinseth, "Glenn's Hop Utilization Numbers" (1995-1997), realbeer.com/hops/research.html.
"""

from functools import lru_cache
from math import exp

BOIL_CURVE = 0.04
"""Rate at which utilisation rises with boil time, per minute."""
BOIL_SCALE = 4.15
"""Divisor of the boil curve that yields the utilisation at the end of the boil."""
BIGNESS = 1.65
"""Factor of the bigness formula, 1.65 x 0.000125^(SG - 1): utilisation falls with gravity."""
BIGNESS_BASE = 0.000125
"""Base of the bigness formula."""
MIN_POINTS, MAX_POINTS = 900.0, 1500.0
"""Gravities of a boil, in points, that the formula is limited to: no wort lies outside, and it would overflow."""


@lru_cache(maxsize=512)  # recipes have few different times
def boil_factor(minutes: float) -> float:
    """Compute the share of alpha acid that a boil isomerises, before gravity: (1 - exp(-0.04 t)) / 4.15.

    Args:
        minutes: Boil time.

    Returns:
        0 to 0.241.
    """
    return (1.0 - exp(-BOIL_CURVE * minutes)) / BOIL_SCALE


def bigness(points: float) -> float:
    """Compute the factor by which gravity changes utilisation: 1.65 x 0.000125^(SG - 1).

    Args:
        points: Gravity of the boil, in points.

    Returns:
        1.65 in water, less in strong wort.
    """
    bounded = min(max(points, MIN_POINTS), MAX_POINTS)
    falls: float = BIGNESS_BASE ** (bounded / 1000.0 - 1.0)
    return BIGNESS * falls
