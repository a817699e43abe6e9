"""Bitterness from the chemistry of the boil: what a laboratory might measure. No constant is fitted to any recipe.

Alpha acids dissolve in the wort up to a limit. What is dissolved isomerises to iso-alpha acids, which degrade in turn;
what is not dissolved follows as room is made. Hot trub and spent hops keep a part, and fermentation and cellar take
another. One milligram of iso-alpha acid per litre of beer counts as 1 IBU.

Assumptions: after the boil the wort stands and cools, in which time all hops in the kettle, those of the whirlpool
among them, go on isomerising. Where additions state their stand, the wort is at once at that temperature, and the
stands follow each other from hot to cold in place of the one that is assumed. Forms other than pellets give what
`app.domains.beer.hop_forms` says. A stage stands for the boil time that `app.domains.beer.hop_bill` assumes. Dry hops
contribute no iso-alpha acid: they are not heated. (In a laboratory they raise the figure a little, by oxidised alpha
acids.) Gravity changes nothing: Malowicki found no effect of sugar on the rate.
"""

from collections.abc import Iterable, Sequence
from math import exp
from operator import attrgetter

from app.domains.beer.hop_bill import DRY, MAX_PER_LITRE, Addition
from app.domains.beer.isomerisation import BOIL
from app.domains.beer.stands import COOLING, STAND_MINUTES

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
LEFT = (1.0 - LOST_IN_KETTLE) * (1.0 - LOST_IN_CELLAR)
"""Share of the iso-alpha acid at the end of the stand that is in the beer."""


STAND = COOLING
"""Mean rates over the stand that is assumed."""


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
        if addition.stand is None:
            alpha += _alpha(addition, litres)
    if now:
        alpha, iso = after(alpha, iso, now, BOIL, soluble)
    standing = [addition for addition in kettle if addition.stand is not None]
    if not standing:
        _, iso = after(alpha, iso, STAND_MINUTES, STAND, soluble)
        return LEFT * iso
    return LEFT * _after_stands(alpha, iso, standing, litres, soluble)


def _alpha(addition: Addition, litres: float) -> float:
    """Alpha acid that an addition gives to the wort, mg/l."""
    return min(addition.grams / litres, MAX_PER_LITRE) * addition.alpha * 10.0 * addition.extracted


def _after_stands(alpha: float, iso: float, standing: Sequence[Addition], litres: float, soluble: float) -> float:
    """Let the wort stand at each stated temperature, hot ones first, and return the iso-alpha acid after that."""
    at_rates: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for addition in standing:
        if addition.stand is not None:
            at_rates.setdefault(addition.stand.rates, []).append((addition.stand.minutes, _alpha(addition, litres)))
    for at, added in sorted(at_rates.items(), reverse=True):
        now = 0.0
        for minutes, more in sorted(added, reverse=True):
            if now > minutes:
                alpha, iso = after(alpha, iso, now - minutes, at, soluble)
            alpha += more
            now = minutes
        if now:
            alpha, iso = after(alpha, iso, now, at, soluble)
    return iso
