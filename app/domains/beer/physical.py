"""Bitterness from the chemistry of the boil: what a laboratory might measure. No constant is fitted to any recipe.

Alpha acids dissolve in the wort up to a limit. What is dissolved isomerises to iso-alpha acids, which degrade in turn;
what is not dissolved follows as room is made. Hot trub and spent hops keep a part, and fermentation and cellar take
another. One milligram of iso-alpha acid per litre of beer counts as 1 IBU.

Assumptions: after the boil the wort stands and cools, in which time all hops in the kettle, those of the whirlpool
among them, go on isomerising. A stage stands for the boil time that `app.domains.beer.hop_bill` assumes. Dry hops
contribute no iso-alpha acid: they are not heated. (In a laboratory they raise the figure a little, by oxidised alpha
acids.) Gravity changes nothing: Malowicki found no effect of sugar on the rate.
"""

from collections.abc import Iterable, Sequence
from math import exp
from operator import attrgetter

from app.domains.beer.hop_bill import DRY, MAX_PER_LITRE, Addition
from app.domains.beer.isomerisation import BOIL, BOILING, rates

SOLUBLE = 250.0
"""Alpha acid that boiling wort of pH 5 dissolves, mg/l.

Source: J. S. Hough, D. E. Briggs, R. Stevens and T. W. Young, "Malting and Brewing Science", vol. 2 (1982), as quoted
in "What's Your IBU?", Zymurgy Special (1997). Malowicki measured 90 mg/l in a buffer of pH 5.2 (thesis, Oregon State
University, 2004); docs/model.md says what that would change.
"""
LOST_IN_KETTLE = 0.076
"""Share of the iso-alpha acid that hot trub and spent hops keep: after 60 minutes, 44.0 % of the alpha acid was found
in the wort, where the kinetics of `app.domains.beer.isomerisation` alone yield 47.6 %.

Source: Aaron Justus, "Tracking IBU Through the Brewing Process", MBAA Technical Quarterly 55 (2018), 67-74: averages of
one brewery, by spectrophotometer.
"""
LOST_IN_CELLAR = 0.337
"""Share of the wort's bitterness that is lost on average from wort to beer, most of it in the first two days of
fermentation. Source: as `LOST_IN_KETTLE`."""
STAND_MINUTES, STAND_END = 20.0, 85.0
"""The stand after the boil, an assumption: so many minutes in which the wort cools steadily to so many degrees Celsius;
a cooler then stops the reactions."""
LEFT = (1.0 - LOST_IN_KETTLE) * (1.0 - LOST_IN_CELLAR)
"""Share of the iso-alpha acid at the end of the stand that is in the beer."""


def _mean_rates(start: float, end: float, steps: int = 100) -> tuple[float, float]:
    """Mean rates over a steady fall of the temperature."""
    found = [rates(start + (end - start) * (step + 0.5) / steps) for step in range(steps)]
    return sum(k1 for k1, _ in found) / steps, sum(k2 for _, k2 in found) / steps


STAND = _mean_rates(BOILING, STAND_END)
"""Mean rates over the stand."""


def after(
    alpha: float, iso: float, minutes: float, at: tuple[float, float], soluble: float = SOLUBLE
) -> tuple[float, float]:
    """Let alpha acid isomerise and iso-alpha acid degrade.

    Args:
        alpha: Alpha acid in the kettle, dissolved or not, mg/l of wort or of beer.
        iso: Iso-alpha acid, likewise.
        minutes: Time that passes.
        at: Rates, per minute, from `rates`.
        soluble: Alpha acid that dissolves, likewise.

    Returns:
        Both concentrations after that time.
    """
    k1, k2 = at
    if alpha > soluble:  # saturated: as much isomerises per minute as the limit allows
        saturated = min((alpha - soluble) / (k1 * soluble), minutes)
        left = exp(-k2 * saturated)
        alpha -= k1 * soluble * saturated
        iso = iso * left + soluble * k1 / k2 * (1.0 - left)
        minutes -= saturated
        if minutes <= 0.0:
            return alpha, iso
    kept, left = exp(-k1 * minutes), exp(-k2 * minutes)
    return alpha * kept, iso * left + alpha * k1 / (k1 - k2) * (left - kept)


def physical(additions: Iterable[Addition], litres: float, boil_litres: float | None = None) -> float:
    """Estimate the bitterness from the chemistry of the boil.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        boil_litres: Volume before the boil; None if it is unknown. The alpha acid is dissolved in the mean of both.

    Returns:
        Bitterness, IBU. It does not fall with weights, alpha acids or, up to two hours, with boil times.
    """
    kettle: Sequence[Addition] = sorted(
        (a for a in additions if a.time != DRY), key=attrgetter("minutes"), reverse=True
    )
    if not kettle:
        return 0.0
    soluble = SOLUBLE if boil_litres is None else SOLUBLE * (litres + boil_litres) / 2.0 / litres
    alpha = iso = 0.0
    now = kettle[0].minutes
    for addition in kettle:
        if addition.minutes < now:
            alpha, iso = after(alpha, iso, now - addition.minutes, BOIL, soluble)
            now = addition.minutes
        alpha += min(addition.grams / litres, MAX_PER_LITRE) * addition.alpha * 10.0
    if now:
        alpha, iso = after(alpha, iso, now, BOIL, soluble)
    _, iso = after(alpha, iso, STAND_MINUTES, STAND, soluble)
    return LEFT * iso
