"""Stands of the hot wort after the boil, in which hops are left: whirlpools and hop stands."""

from dataclasses import dataclass

from app.domains.beer.isomerisation import BOIL, BOILING, rates

STAND_MINUTES, STAND_END = 20.0, 85.0
"""The stand after a boil of which nothing is said, an assumption: so many minutes in which the wort cools steadily to
so many degrees Celsius; a cooler then stops the reactions."""


def _mean_rates(start: float, end: float, steps: int = 100) -> tuple[float, float]:
    """Mean rates over a steady fall of the temperature."""
    found = [rates(start + (end - start) * (step + 0.5) / steps) for step in range(steps)]
    return sum(k1 for k1, _ in found) / steps, sum(k2 for _, k2 in found) / steps


COOLING = _mean_rates(BOILING, STAND_END)
"""Mean rates of isomerisation and degradation over the stand that is assumed, per minute."""


@dataclass(frozen=True, slots=True)
class Stand:
    """The stand of one addition.

    Attributes:
        minutes: Time from the addition until the wort leaves this temperature.
        celsius: Temperature, degrees Celsius; None for wort that cools as in the stand that is assumed.
    """

    minutes: float = STAND_MINUTES
    celsius: float | None = None

    @property
    def rates(self) -> tuple[float, float]:
        """Rates of isomerisation and degradation, per minute."""
        return COOLING if self.celsius is None else rates(self.celsius)

    @property
    def boil_minutes(self) -> float:
        """Minutes of boiling that isomerise as much, by the ratio of the rates: a correction for formulas of the boil.

        Malowicki and Shellhammer's rate (see `app.domains.beer.isomerisation`) is a sixth of that of the boil at 80
        degrees Celsius. They measured it from 90 degrees on; below, it is extrapolated.
        """
        return self.minutes * self.rates[0] / BOIL[0]
