"""How much of an alpha acid a boil isomerises, by first-order kinetics."""

from functools import lru_cache
from math import exp, log

KELVIN = 273.15
"""Degrees Celsius are kelvins less so many."""
ISOMERISATION = (7.9e11, 11858.0)
"""Rate of isomerisation: k1 = 7.9e11 exp(-11858 / T), per minute, T in kelvins; measured from 90 to 130 degrees Celsius
at pH 5.2.

Source: Mark G. Malowicki and Thomas H. Shellhammer, "Isomerization and Degradation Kinetics of Hop (Humulus lupulus)
Acids in a Model Wort-Boiling System", Journal of Agricultural and Food Chemistry 53 (2005), 4434-4439.
"""
DEGRADATION = (4.1e12, 12994.0)
"""Rate at which iso-alpha acids degrade: k2 = 4.1e12 exp(-12994 / T), per minute. Source: as `ISOMERISATION`."""
BOILING = 100.0
"""Temperature of the boil, degrees Celsius."""


def rates(celsius: float) -> tuple[float, float]:
    """Compute the rates of isomerisation and degradation at a temperature, per minute.

    Args:
        celsius: Temperature, degrees Celsius.
    """
    (a1, e1), (a2, e2) = ISOMERISATION, DEGRADATION
    kelvins = celsius + KELVIN
    return a1 * exp(-e1 / kelvins), a2 * exp(-e2 / kelvins)


_K1, _K2 = BOIL = rates(BOILING)
"""Rates in the boil."""
STAND_MINUTES = 14.0
"""Minutes of boiling that the hot wort after the boil is worth, credited to all hops of the kettle. Not from a source:
chosen on the training beers among 2 to 14, see docs/model.md."""
_PEAK = log(_K1 / _K2) / (_K1 - _K2)
"""Minutes after which more iso-alpha acid degrades than forms; longer boils count as this long."""
_SCALE = _K1 / (_K1 - _K2)


@lru_cache(maxsize=512)  # recipes have few different times
def isomerised_share(minutes: float) -> float:
    """Compute the share of alpha acid that is iso-alpha acid after the boil and the stand.

    Args:
        minutes: Boil time.

    Returns:
        0.15 for hops added at flame-out, 0.52 after 60 minutes, 0.62 at most; it does not fall with time.
    """
    boiled = min(minutes + STAND_MINUTES, _PEAK)
    return _SCALE * (exp(-_K2 * boiled) - exp(-_K1 * boiled))
