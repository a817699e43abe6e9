"""What the fermentables of a recipe make of it: gravities and colour, for files that do not state them.

Extract and attenuation are those of every brewing handbook: John Palmer, "How to Brew" (4th edition, 2017), chapters
on malt and on fermentation; Ray Daniels, "Designing Great Beers" (1996), chapters 5 to 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass

POUNDS_PER_GALLON = 8.345404
"""Pounds per gallon of the USA that are 1 kg per litre: 3.785411784 / 0.45359237."""
SUCROSE_PPG = 46.0
"""Points of gravity of a pound of sucrose in a gallon, to which BeerXML's YIELD refers: programs that state both have
a potential of 1.038 for 82.6 %."""
YIELD = 78.0
"""Extract of a malt that states none, percent of the weight."""
MAX_FRACTION = 1.5
"""A share up to which it is a fraction, not percent: no malt, brewhouse or yeast yields so little."""
EFFICIENCY = 74.0
"""Brewhouse efficiency of a recipe that states none, percent: the median of the 262 of 270 training recipes whose
volume, malts (with `YIELD`) and gravity give a share between 20 and 120 %; half of them are between 68 and 78."""
ATTENUATION = 75.0
"""Apparent attenuation of a yeast that states none, percent: the upper end of medium attenuation, 71 to 75. Source:
Palmer, "How to Brew", chapter on yeast, as cited elsewhere; the book itself could not be seen."""
MOREY = (1.4922, 0.6859)
"""Colour in SRM is 1.4922 MCU^0.6859, with MCU the malts' pounds times degrees Lovibond per gallon.

Source: Dan Morey, "Approximating SRM Beer Color", hbd.org/recipator/morey.html. It holds up to 50 SRM.
"""
MAX_MOREY_SRM = 50.0
"""Colour up to which Morey's formula is valid."""


@dataclass(frozen=True)
class Fermentable:
    """A malt, sugar or extract."""

    path: str
    """Path in the recipe."""
    name: str
    kilograms: float
    yield_percent: float | None
    """Extract, percent of what the same weight of sucrose yields; None if it is not stated."""
    lovibond: float | None
    """Colour, degrees Lovibond; None if it is not stated."""
    is_mashed: bool
    """Whether the efficiency of the brewhouse counts; sugars and malt extract dissolve whole."""


def is_ppg(fermentable: Fermentable) -> bool:
    """Return whether a yield must be points of a pound in a gallon, for no malt yields so few percent."""
    stated = fermentable.yield_percent
    return fermentable.is_mashed and stated is not None and MAX_FRACTION < stated <= SUCROSE_PPG


def original_gravity(fermentables: Sequence[Fermentable], litres: float, efficiency: float) -> float:
    """Compute the original gravity, points.

    Args:
        fermentables: The fermentables.
        litres: Volume in the fermenter, l.
        efficiency: Brewhouse efficiency, percent.
    """
    points = 0.0
    for fermentable in fermentables:
        share = YIELD if fermentable.yield_percent is None else fermentable.yield_percent
        share *= 100.0 / SUCROSE_PPG if is_ppg(fermentable) else 1.0
        points += fermentable.kilograms * share / 100.0 * (efficiency / 100.0 if fermentable.is_mashed else 1.0)
    return round(1000.0 + SUCROSE_PPG * POUNDS_PER_GALLON * points / litres, 1)


def final_gravity(og: float, attenuation: float) -> float:
    """Compute the final gravity, points.

    Args:
        og: Original gravity, points.
        attenuation: Apparent attenuation, percent.
    """
    return round(og - (og - 1000.0) * attenuation / 100.0, 1)


def colour(fermentables: Sequence[Fermentable], litres: float) -> float:
    """Compute the colour by Morey's formula, SRM.

    Args:
        fermentables: The fermentables; one without a colour has none.
        litres: Volume in the fermenter, l.
    """
    colours = sum(f.kilograms * max(f.lovibond or 0.0, 0.0) for f in fermentables)
    factor, power = MOREY
    srm: float = factor * (colours * POUNDS_PER_GALLON / litres) ** power
    return round(srm, 1)
