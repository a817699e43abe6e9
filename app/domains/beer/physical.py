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

from collections.abc import Iterable, Iterator, Sequence
from math import exp

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
Step = tuple[float, tuple[float, float], int | None]
"""A step of the boil or of a stand: the minutes that pass, the rates in them, and the index of the addition that comes
after them, if one does."""


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


def physical(additions: Sequence[Addition], litres: float, boil_litres: float | None = None) -> float:
    """Estimate the bitterness from the chemistry of the boil.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        boil_litres: Volume before the boil; None if it is unknown. The alpha acid is dissolved in the mean of both.

    Returns:
        Bitterness, IBU. It does not fall with weights, alpha acids or, up to two hours, with boil times.
    """
    alphas = [_alpha(addition, litres) for addition in additions]
    return _bitterness(_course(additions), alphas, _soluble(litres, boil_litres))


def physical_of_weights(
    additions: Sequence[Addition], weights: Iterable[Sequence[float]], litres: float, boil_litres: float | None = None
) -> list[float]:
    """Compute `physical` for many weights of the same additions, faster than one after the other.

    Args:
        additions: The hops; their own weights are not read.
        weights: Weights of all additions, g, for each estimate.
        litres: See `physical`.
        boil_litres: See `physical`.
    """
    soluble, course = _soluble(litres, boil_litres), list(_course(additions))
    given = [addition.alpha * 10.0 * addition.extracted for addition in additions]
    return [
        _bitterness(
            course,
            [min(grams / litres, MAX_PER_LITRE) * each for grams, each in zip(row, given, strict=True)],
            soluble,
        )
        for row in weights
    ]


def _bitterness(course: Iterable[Step], alphas: Sequence[float], soluble: float) -> float:
    """Bitterness after a course, IBU, with the alpha acid of each addition, mg/l."""
    alpha = iso = 0.0
    for minutes, at, added in course:
        if minutes > 0.0:
            alpha, iso = after(alpha, iso, minutes, at, soluble)
        if added is not None:
            alpha += alphas[added]
    return LEFT * iso


def physical_parts(additions: Sequence[Addition], litres: float, boil_litres: float | None = None) -> list[float]:
    """Divide the estimate among the additions: alpha acid isomerises in proportion to what is left of each.

    Args:
        additions: The hops.
        litres: See `physical`.
        boil_litres: See `physical`.

    Returns:
        The part of each addition, IBU; together they are `physical`.
    """
    soluble = _soluble(litres, boil_litres)
    alphas, isos = [0.0] * len(additions), [0.0] * len(additions)
    for minutes, at, added in _course(additions):
        total = sum(alphas)
        if minutes > 0.0 and total > 0.0:
            left, formed = after(total, 0.0, minutes, at, soluble)
            kept = exp(-at[1] * minutes)
            isos = [iso * kept + formed * (alpha / total) for iso, alpha in zip(isos, alphas, strict=True)]
            alphas = [alpha * (left / total) for alpha in alphas]
        if added is not None:
            alphas[added] = _alpha(additions[added], litres)
    return [LEFT * iso for iso in isos]


def _soluble(litres: float, boil_litres: float | None) -> float:
    """Alpha acid that dissolves, mg per litre of the volume after the boil."""
    return SOLUBLE if boil_litres is None else SOLUBLE * (litres + boil_litres) / 2.0 / litres


def _alpha(addition: Addition, litres: float) -> float:
    """Alpha acid that an addition gives to the wort, mg/l."""
    return min(addition.grams / litres, MAX_PER_LITRE) * addition.alpha * 10.0 * addition.extracted


def _course(additions: Sequence[Addition]) -> Iterator[Step]:
    """Follow the boil and then the stands, hot ones first; dry hops have no part in it."""
    kettle = [index for index, addition in enumerate(additions) if addition.time != DRY]
    if not kettle:
        return
    kettle.sort(key=lambda index: -additions[index].minutes)
    now = additions[kettle[0]].minutes
    stands: dict[tuple[float, float], list[tuple[float, int]]] = {}
    for index in kettle:
        minutes, stand = additions[index].minutes, additions[index].stand
        yield now - minutes, BOIL, index if stand is None else None
        now = minutes
        if stand is not None:
            stands.setdefault(stand.rates, []).append((stand.minutes, index))
    yield now, BOIL, None
    if not stands:
        yield STAND_MINUTES, STAND, None
    for at, standing in sorted(stands.items(), reverse=True):
        now = 0.0
        for minutes, index in sorted(standing, reverse=True):
            yield max(now - minutes, 0.0), at, index
            now = minutes
        yield now, at, None
