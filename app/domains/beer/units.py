"""Units of beer: gravity in points or as specific gravity, colour in EBC or SRM, alcohol from gravities."""

EBC_PER_SRM = 1.97
"""Colour in EBC is 1.97 times colour in SRM (ASBC Methods of Analysis, Beer-10: both are absorbance at 430 nm)."""

POINTS_PER_SG = 1000.0
"""Points per unit of specific gravity: 1.048 is 1048 points."""

ABV_PER_POINT = 0.13125
"""Alcohol in % vol per point of gravity: ABV = 131.25 (OG - FG) in specific gravity.

Source: Charlie Papazian, "The Complete Joy of Homebrewing": alcohol by weight is 105 (OG - FG), and alcohol by volume
1.25 times as much.
"""

MAX_SG = 10.0
"""A gravity below this value is a specific gravity; any other is in points."""

_DECIMALS = 6
"""Decimal places of a gravity in points: 1.013 * 1000 is 1012.9999999999999, which is below the intended 1013."""


def alcohol(og: float, fg: float) -> float:
    """Compute the alcohol that follows from the gravities, see `ABV_PER_POINT`.

    Args:
        og: Original gravity, in points or as specific gravity.
        fg: Final gravity, likewise.

    Returns:
        Alcohol by volume, % vol.
    """
    return ABV_PER_POINT * (points(og) - points(fg))


def points(gravity: float) -> float:
    """Convert a gravity to points.

    Args:
        gravity: In points (1048) or as specific gravity (1.048).

    Returns:
        The gravity in points: 1048.0 for both.
    """
    return round(gravity * POINTS_PER_SG, _DECIMALS) if gravity < MAX_SG else gravity
