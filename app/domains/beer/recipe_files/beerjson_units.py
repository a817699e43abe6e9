"""The units of BeerJSON's schema, in those of the service.

Units of volume and weight are exact by definition: NIST Handbook 44 (2024), appendix C, for those of the USA, the
Weights and Measures Act 1985, schedule 1, for the imperial ones. A barrel of beer is 31 gallons of the USA, or 36
imperial ones.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.units import (
    EBC_PER_SRM,
    GRAMS_PER_OUNCE,
    LITRES_PER_GALLON,
    PLATO_HIGH,
    PLATO_LOW,
    POINTS_PER_SG,
    points_of_plato,
)
from app.domains.beer.units import celsius as celsius_of_fahrenheit

_GALLON, _IMPERIAL_GALLON = LITRES_PER_GALLON, 4.54609
LITRES: Mapping[str, float] = MappingProxyType(
    {
        "ml": 0.001,
        "l": 1.0,
        "tsp": _GALLON / 768,
        "tbsp": _GALLON / 256,
        "floz": _GALLON / 128,
        "cup": _GALLON / 16,
        "pt": _GALLON / 8,
        "qt": _GALLON / 4,
        "gal": _GALLON,
        "bbl": _GALLON * 31,
        "ifloz": _IMPERIAL_GALLON / 160,
        "ipt": _IMPERIAL_GALLON / 8,
        "iqt": _IMPERIAL_GALLON / 4,
        "igal": _IMPERIAL_GALLON,
        "ibbl": _IMPERIAL_GALLON * 36,
    }
)
"""Litres by unit of volume."""
GRAMS: Mapping[str, float] = MappingProxyType(
    {"mg": 0.001, "g": 1.0, "kg": 1000.0, "lb": 16 * GRAMS_PER_OUNCE, "oz": GRAMS_PER_OUNCE}
)
"""Grams by unit of weight."""
MINUTES: Mapping[str, float] = MappingProxyType({"sec": 1 / 60, "min": 1.0, "hr": 60.0, "day": 1440.0, "week": 10080.0})
"""Minutes by unit of time."""
PERCENT: Mapping[str, float] = MappingProxyType({"%": 1.0})
"""Percent by unit of shares."""
LOVIBOND: Mapping[str, float] = MappingProxyType({"lovi": 1.0, "srm": 1.0, "ebc": 1 / EBC_PER_SRM})
"""Degrees Lovibond by unit of colour; SRM was made to match the Lovibond scale."""
BITTERNESS: Mapping[str, float] = MappingProxyType({"ibus": 1.0})
"""IBU by unit of bitterness."""
PH: Mapping[str, float] = MappingProxyType({"ph": 1.0})
"""pH by unit of acidity."""
MAX_UNIT_LENGTH = 20
"""Characters of a unit; a longer one is unknown."""


def unit_of(quantity: Any) -> str:
    """Return the unit of a quantity in small letters; empty if there is none."""
    unit = quantity.get("unit") if isinstance(quantity, Mapping) else None
    return unit.lower() if isinstance(unit, str) and len(unit) <= MAX_UNIT_LENGTH else ""


def amount(quantity: Any, units: Mapping[str, float]) -> float | None:
    """Return a quantity in the service's unit; None if its unit is not among `units`, or it has no value.

    Args:
        quantity: An object with ``unit`` and ``value``.
        units: Factor by unit.
    """
    factor = units.get(unit_of(quantity))
    value = number(quantity.get("value")) if factor is not None else None
    return None if factor is None or value is None else value * factor


def gravity(quantity: Any) -> float | None:
    """Return a gravity in points; None if its unit is unknown, or it has no value."""
    unit, value = unit_of(quantity), number(quantity.get("value")) if isinstance(quantity, Mapping) else None
    if value is None:
        return None
    if unit in ("plato", "brix"):  # both are percent of extract by weight
        return points_of_plato(value) if PLATO_LOW <= value <= PLATO_HIGH else None
    return round(value * POINTS_PER_SG, 6) if unit == "sg" else None


def celsius(quantity: Any) -> float | None:
    """Return a temperature in degrees Celsius; None if its unit is unknown, or it has no value."""
    unit, value = unit_of(quantity), number(quantity.get("value")) if isinstance(quantity, Mapping) else None
    if value is None or unit not in ("c", "f"):
        return None
    return value if unit == "c" else round(celsius_of_fahrenheit(value), 2)
