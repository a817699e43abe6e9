"""Garetz's formula of hop utilisation, the most cautious of those that recipe calculators offer.

Source: Mark Garetz, "Using Hops: The Complete Guide to Hops for the Craft Brewer" (HopTech, 1994). The book itself
could not be seen; it is followed as cited in Norm Pyle's "Hops FAQ" (realbeer.com/hops/FAQ.html) and in Mike Lemons'
letter to the Homebrew Digest of 5 March 1995.

The wort is taken to boil at sea level, and the yeast to be an average one: Garetz's factors for these are 1. His
further factors, for hop bags and for filters, are left out as well, since a request does not tell of them.
"""

from collections.abc import Iterable
from math import sqrt, tanh

from app.domains.beer.hop_bill import MAX_PER_LITRE, Addition, by_utilisation
from app.domains.beer.tinseth import MAX_POINTS, MIN_POINTS

MIDDLE, HEIGHT, CENTRE, WIDTH = 7.2994, 15.0746, 21.86, 24.71
"""The curve of utilisation, %: 7.2994 + 15.0746 tanh((t - 21.86) / 24.71), t in minutes, and 0 where it is negative.

Garetz published a table in steps of 5 and 10 minutes, from 10 to 90; calculators use this curve, which passes the
middle of each step within one percentage point.
"""
REFERENCE_POINTS, GRAVITY_SCALE = 1050.0, 200.0
"""The bitterness is divided by 1 + (SG - 1.050) / 0.2, SG being the gravity of the boil. Unlike Rager's, the factor
holds below 1.050 as well."""
HOPPING_RATE = 260.0
"""Bitterness of the wort in the kettle, IBU, that halves utilisation: it is divided by 1 + IBU / 260."""


def utilisation(minutes: float) -> float:
    """Compute the share of alpha acid that reaches the beer, at a gravity of 1.050 and a low hopping rate.

    Args:
        minutes: Boil time.

    Returns:
        0 up to 8.8 minutes, 0.21 after 60, 0.224 at most.
    """
    return max(MIDDLE + HEIGHT * tanh((minutes - CENTRE) / WIDTH), 0.0) / 100.0


def gravity_factor(points: float) -> float:
    """Compute the factor by which gravity changes utilisation: 1 / (1 + (SG - 1.050) / 0.2).

    Args:
        points: Gravity of the boil, in points.

    Returns:
        1 at 1050 points, more in weaker wort, less in stronger.
    """
    bounded = min(max(points, MIN_POINTS), MAX_POINTS)
    return 1.0 / (1.0 + (bounded - REFERENCE_POINTS) / GRAVITY_SCALE)


def hopping_factor(unhindered: float, concentration: float) -> float:
    """Compute the factor by which the hopping rate changes utilisation: 1 / (1 + concentration x IBU / 260).

    IBU is the beer's own bitterness. Garetz has the brewer guess it and repeat the calculation until both agree; this
    is the solution of the same equation.

    Args:
        unhindered: Bitterness without this factor, IBU.
        concentration: Volume after the boil, divided by that before it.

    Returns:
        1 without hops, less the more hops there are.
    """
    return 2.0 / (1.0 + sqrt(1.0 + 4.0 * concentration * unhindered / HOPPING_RATE))


def garetz(
    additions: Iterable[Addition], litres: float, boil_points: float, boil_litres: float | None = None
) -> list[float]:
    """Compute Garetz's estimate of each addition. Dry hops are not heated and add nothing.

    A stand whose temperature or time is known counts as in Tinseth's estimate, see `app.domains.beer.hop_bill.tinseth`.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        boil_points: Gravity of the boil, in points.
        boil_litres: Volume before the boil; None if it is unknown, which counts as `litres`.

    Returns:
        Bitterness that each addition adds beside the others, IBU; Garetz's estimate of the beer is their sum.
    """
    each = unhindered(additions, litres, boil_points)
    hindered = hopping_factor(sum(each), concentration(litres, boil_litres))
    return [value * hindered for value in each]


def unhindered(additions: Iterable[Addition], litres: float, boil_points: float) -> list[float]:
    """Compute the estimate of each addition without the factor of the hopping rate: in proportion to its weight.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        boil_points: Gravity of the boil, in points.
    """
    return by_utilisation(additions, litres, gravity_factor(boil_points), utilisation)


def concentration(litres: float, boil_litres: float | None) -> float:
    """Return the volume after the boil divided by that before it; 1 if the latter is unknown."""
    return min(litres / (boil_litres or litres), MAX_PER_LITRE)
