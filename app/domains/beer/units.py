"""Units of beer: gravity in points or specific gravity, colour in EBC or SRM, alcohol from gravities."""

EBC_PER_SRM = 1.97
"""Colour in EBC is 1.97 times colour in SRM (ASBC Methods of Analysis, Beer-10: both are absorbance at 430 nm)."""

POINTS_PER_SG = 1000.0
"""1.048 specific gravity is 1048 points."""

ABV_PER_POINT = 0.13125
"""Alcohol in % vol a point of gravity lost, the brewers' rule ABV = 131.25 (OG - FG) in specific gravity."""

LARGEST_SG = 10.0
"""A gravity below it is a specific gravity, else points."""
_PLACES = 6
"""Of a point: 1.013 * 1000 is 1012.9999999999999, which is below the 1013 that it stands for."""


def points(gravity: float) -> float:
    """A gravity in points, given in points or as specific gravity.

    Args:
        gravity: 1048 or 1.048; below 10 it is read as specific gravity.

    Returns:
        Points: 1048.0 for both.
    """
    return round(gravity * POINTS_PER_SG, _PLACES) if gravity < LARGEST_SG else gravity
