"""Rager's formula of hop utilisation, which many recipe calculators offer beside Tinseth's.

Source: Jackie Rager, "Calculating Hop Bitterness in Beer", Zymurgy 13, no. 4 (special issue on hops, 1990), 53-54. The
article itself could not be seen; it is followed as cited in Norm Pyle's "Hops FAQ" (realbeer.com/hops/FAQ.html) and in
the Homebrew Digest, no. 871 (1992) and Bill Szymczak's letter of 6 May 1992, which corrects a misprint: the article
prints .050 where 1.050 is meant.
"""

from collections.abc import Iterable
from math import tanh

from app.domains.beer.hop_bill import Addition, by_utilisation

MIDDLE, HEIGHT, CENTRE, WIDTH = 18.11, 13.86, 31.32, 18.27
"""The curve of utilisation, %: 18.11 + 13.86 tanh((t - 31.32) / 18.27), t in minutes.

Rager published a table in steps of 5 minutes. Calculators use this curve, by the "Hops FAQ", which passes the middle of
each step within one percentage point. Made for boils of 0 to 60 minutes; it does not rise above 32 %.
"""
GRAVITY_LIMIT = 1050.0
"""Gravity of the boil, in points, up to which utilisation does not depend on it."""
GRAVITY_SCALE = 200.0
"""Points above the limit that halve the bitterness: it is divided by 1 + (SG - 1.050) / 0.2."""


def utilisation(minutes: float) -> float:
    """Compute the share of alpha acid that reaches the beer, at a gravity of at most 1.050.

    Args:
        minutes: Boil time.

    Returns:
        0.05 for hops added at flame-out, 0.31 after 60 minutes, 0.32 at most.
    """
    return (MIDDLE + HEIGHT * tanh((minutes - CENTRE) / WIDTH)) / 100.0


def gravity_factor(points: float) -> float:
    """Compute the factor by which gravity changes utilisation: 1 / (1 + (SG - 1.050) / 0.2) above 1.050.

    Args:
        points: Gravity of the boil, in points.

    Returns:
        1 up to 1050 points, less in stronger wort.
    """
    return 1.0 / (1.0 + max(points - GRAVITY_LIMIT, 0.0) / GRAVITY_SCALE)


def rager(additions: Iterable[Addition], litres: float, boil_points: float) -> list[float]:
    """Compute Rager's estimate of each addition. Dry hops are not heated and add nothing.

    A stand whose temperature or time is known counts as in Tinseth's estimate, see `app.domains.beer.hop_bill.tinseth`.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        boil_points: Gravity of the boil, in points.

    Returns:
        Bitterness that each addition adds, IBU; Rager's estimate of the beer is their sum.
    """
    return by_utilisation(additions, litres, gravity_factor(boil_points), utilisation)
