"""Tinseth's estimate of bitterness.

Source: Glenn Tinseth, "Glenn's Hop Utilization Numbers" (1995-1997), realbeer.com/hops/research.html.
"""

from math import exp

BOIL_CURVE = 0.04
"""Rate at which utilisation rises with the boil, per minute."""
BOIL_SCALE = 4.15
"""Divides the boil curve, so that utilisation is right at its end."""
BIGNESS = 1.65
BIGNESS_BASE = 0.000125
"""Utilisation falls with gravity as 1.65 x 0.000125^(SG - 1)."""
LEAST_POINTS, MOST_POINTS = 900.0, 1500.0
"""Gravities of a boil, in points, beyond which the formula is not taken: no wort is there, and it would overflow."""


def boil_factor(minutes: float) -> float:
    """Share of the alpha acids that a boil isomerises, before gravity: (1 - exp(-0.04 t)) / 4.15.

    Args:
        minutes: Time in the boil.

    Returns:
        0 to 0.241.
    """
    return (1.0 - exp(-BOIL_CURVE * minutes)) / BOIL_SCALE


def bigness(points: float) -> float:
    """How gravity lowers utilisation: 1.65 x 0.000125^(SG - 1).

    Args:
        points: Gravity of the boil, in points.

    Returns:
        1.65 in water, less in strong wort.
    """
    bounded = min(max(points, LEAST_POINTS), MOST_POINTS)
    falls: float = BIGNESS_BASE ** (bounded / 1000.0 - 1.0)
    return BIGNESS * falls
