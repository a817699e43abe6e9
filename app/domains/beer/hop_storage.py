"""Alpha acid that hops lose in storage.

Source of the rule: Mark Garetz, "Hop Storage: How to Get - and Keep - Your Hops' Optimum Value", Brewing Techniques 2:1
(1994): what is left falls exponentially, A = A0 exp(-k TF SF days). The variety's rate k follows from the share that it
loses in 180 days at 20 degrees Celsius in the open. The temperature factor TF halves with every 15 degrees less; the
table ends at 20 degrees, above which it is extrapolated. The storage factor SF is that of the packaging. By Nickerson
and Likens (1979), as quoted there, a hop storage index HSI stands for a loss of 110 log10(HSI / 0.25) percent.
"""

from enum import StrEnum

DAYS = 180.0
"""Days of storage that a variety's loss is stated for."""
DAYS_PER_MONTH = 365.25 / 12
MEASURED_AT = 20.0
"""Temperature that a variety's loss is stated for, degrees Celsius."""
HALVED_BY = 15.0
"""Fall of the temperature, in degrees Celsius, that halves the rate."""

LOSS, LOSS_HIGH = 30.0, 50.0
"""Alpha acid that varieties lose in six months, %: the median of 54 varieties, and what a tenth of them
exceeds. Source: common-beer-data (MIT licence), which has the share that is left."""
FRIDGE = 4.0
"""Temperature of a refrigerator, degrees Celsius, which is assumed where none is given."""


class HopPackaging(StrEnum):
    """What keeps the air from hops: nothing or a plain bag, an airtight one, or one without air (vacuum, inert gas)."""

    OPEN = "open"
    AIRTIGHT = "airtight"
    VACUUM = "vacuum"


FACTOR = {HopPackaging.OPEN: 1.0, HopPackaging.AIRTIGHT: 0.75, HopPackaging.VACUUM: 0.5}
"""Storage factor of each packaging: Garetz's, whose table itself could not be seen."""


def share_left(
    months: float, loss: float = LOSS, celsius: float = FRIDGE, packaging: HopPackaging = HopPackaging.AIRTIGHT
) -> float:
    """Compute the share of the alpha acid that is left.

    Args:
        months: Time of storage.
        loss: What the variety loses in six months in the open at 20 degrees Celsius, %; below 100.
        celsius: Temperature of storage, degrees Celsius.
        packaging: What keeps the air from the hops.

    Returns:
        1 for fresh hops; it falls with time, loss and temperature.
    """
    temperature: float = 2.0 ** ((celsius - MEASURED_AT) / HALVED_BY)
    half_years = months * DAYS_PER_MONTH / DAYS * temperature * FACTOR[packaging]
    left: float = (1.0 - loss / 100.0) ** half_years
    return left
