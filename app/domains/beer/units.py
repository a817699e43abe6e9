"""Units of beer: gravity, colour, alcohol from gravities, and the weights, volumes and temperatures of the USA.

`app.domains.quantities` has the convention by which requests state them.
"""

EBC_PER_SRM = 1.97
"""Colour in EBC is 1.97 times colour in SRM (ASBC Methods of Analysis, Beer-10: both are absorbance at 430 nm)."""

POINTS_PER_SG = 1000.0
"""Points per unit of specific gravity: 1.048 is 1048 points."""

ABV_PER_POINT = 0.13125
"""Alcohol in % vol per point of gravity: ABV = 131.25 (OG - FG) in specific gravity.

Source: Charlie Papazian, "The Complete Joy of Homebrewing": alcohol by weight is 105 (OG - FG), and alcohol by volume
1.25 times as much.
"""

KILOGRAMS_PER_POUND = 0.45359237
"""Exact, by the international yard and pound agreement of 1959; NIST Special Publication 811, appendix B.8."""
GRAMS_PER_OUNCE = 28.349523125
"""Exact: the sixteenth of a pound, see `KILOGRAMS_PER_POUND`."""
LITRES_PER_GALLON = 3.785411784
"""Exact: the gallon of the USA is 231 cubic inches of 25.4 mm; NIST Special Publication 811, appendix B.8."""

PLATO = (-616.868, 1111.14, -630.272, 135.997)
"""Degrees Plato from specific gravity s: -616.868 + 1111.14 s - 630.272 s^2 + 135.997 s^3.

Source: the cubic fit to the table of extract of the American Society of Brewing Chemists (Methods of Analysis, "Tables
related to determinations on wort, beer, and brewing sugars and syrups"), at 20 degrees Celsius; the table goes to 20
degrees Plato, and to 40 the fit is within 1 point of the table of sucrose (NBS Circular 440). It rises everywhere.
"""
PLATO_LOW, PLATO_HIGH = -5.0, 60.0
"""Degrees Plato that a request may state. A dry beer's final gravity is below that of water."""

MAX_SG = 10.0
"""A gravity below this value is a specific gravity; any other is in points."""

_STEPS = 6
"""Steps of Newton's method, which converge from -5 to 60 degrees Plato."""
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


def points_of_plato(plato: float) -> float:
    """Convert degrees Plato to points of gravity: the inverse of `PLATO`.

    Args:
        plato: Extract, percent of weight; of a beer its apparent extract, as a hydrometer shows it.

    Returns:
        The gravity in points: 1048.4 for 12.
    """
    c0, c1, c2, c3 = PLATO
    gravity = 1.0 + plato / 258.6
    for _ in range(_STEPS):  # Newton's method
        value = c0 + gravity * (c1 + gravity * (c2 + gravity * c3)) - plato
        gravity -= value / (c1 + gravity * (2.0 * c2 + gravity * 3.0 * c3))
    return round(gravity * POINTS_PER_SG, _DECIMALS)


def celsius(fahrenheit: float) -> float:
    """Convert degrees Fahrenheit to degrees Celsius."""
    return (fahrenheit - 32.0) / 1.8


def grams(ounces: float) -> float:
    """Convert ounces to grams."""
    return ounces * GRAMS_PER_OUNCE


def kilograms(pounds: float) -> float:
    """Convert pounds to kilograms."""
    return pounds * KILOGRAMS_PER_POUND


def litres(gallons: float) -> float:
    """Convert gallons of the USA to litres."""
    return gallons * LITRES_PER_GALLON
