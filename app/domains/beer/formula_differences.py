"""Why the formulas differ about an addition of hops: by its time, the gravity or the dose, and by its form.

Each figure is the alpha acid that is added, times the share that the formula counts at this time, times what gravity
does to it, times what the dose does to it. The cause in which the formulas differ most is the reason.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from app.domains.beer import garetz, rager, tinseth
from app.domains.beer.hop_bill import DRY, MAX_PER_LITRE, Addition
from app.domains.beer.physical import SOLUBLE, physical_parts
from app.domains.beer.schema import Beer
from app.domains.beer.stages import Stage
from app.domains.beer.units import POINTS_PER_SG

FIFTH = 0.2
"""Difference of the lowest figure from the highest, as a share of the highest, from which there is a reason."""
SMALL = 0.5
"""Highest figure, IBU, up to which there is no reason: nobody tastes it."""
REFERENCE_POINTS = 1050.0
"""Gravity at which shares are compared: Rager's and Garetz's factors are 1 there."""
SHORT_BOIL = 20.0
"""Boil time, minutes, below which what isomerises after the boil is what makes the difference."""


class Figures(NamedTuple):
    """One figure by each formula."""

    tinseth: float
    rager: float
    garetz: float
    physical: float


def physical_shares(additions: Sequence[Addition]) -> list[float]:
    """Share of its alpha acid that the physical estimate counts of each addition, for small doses of pellets.

    Args:
        additions: The hops of a beer, whose stands follow each other.
    """
    small = [replace(addition, grams=1e-3, extracted=1.0) for addition in additions]
    parts = physical_parts(small, 1.0)
    return [_ratio(part, one.grams * one.alpha * 10.0) for one, part in zip(small, parts, strict=True)]


def reason(
    figures: Figures, addition: Addition, physical_share: float, stage: Stage | None, beer: Beer, boil_points: float
) -> str | None:
    """Say in a sentence why the formulas differ about an addition.

    Args:
        figures: What it adds by each formula, IBU.
        addition: The addition.
        physical_share: Its share from `physical_shares`.
        stage: Its stage, if it was given rather than minutes.
        beer: The beer.
        boil_points: Gravity of the boil, in points.

    Returns:
        The sentence; None if the formulas agree within a fifth, or if all figures are small.
    """
    if addition.time == DRY or max(figures) < SMALL or _spread(figures) <= FIFTH:
        return None
    alpha = min(addition.grams / beer.batch_volume_l, MAX_PER_LITRE) * addition.alpha * 10.0
    shares = _shares(addition, physical_share)
    by_gravity = _gravity(boil_points)
    by_dose = Figures(
        1.0,
        1.0,
        _ratio(figures.garetz, alpha * shares.garetz * by_gravity.garetz),
        _ratio(figures.physical, alpha * shares.physical * addition.extracted),
    )
    widest = max((shares, by_gravity, by_dose), key=_spread)
    if widest is by_gravity:
        bounded = min(max(boil_points, tinseth.MIN_POINTS), tinseth.MAX_POINTS)
        sentence = f"At a boil gravity of {bounded / POINTS_PER_SG:.3f}, {_changes(by_gravity, '1.050')}"
    elif widest is by_dose:
        cause = (
            f"Only {SOLUBLE:g} mg/l of alpha acid dissolve in the physical estimate"
            if by_dose.physical < by_dose.garetz
            else "Garetz counts a smaller share of more hops"
        )
        sentence = f"{cause}: {_changes(by_dose, 'a small dose')}"
    else:
        tinseth_, rager_, garetz_, physical_ = (f"{100 * share:.0f} %" for share in shares)
        sentence = (
            f"{_time(addition, stage)}: of the alpha acid of a small dose Tinseth counts {tinseth_}, Rager {rager_}, "
            f"Garetz {garetz_} and the physical estimate {physical_}"
        )
    return f"{sentence}{_form(addition)}."


def _shares(addition: Addition, physical_share: float) -> Figures:
    """Share of the alpha acid that each formula counts for a small dose of pellets at a gravity of 1.050."""
    return Figures(
        tinseth.bigness(REFERENCE_POINTS) * tinseth.boil_factor(addition.counted_minutes),
        rager.utilisation(addition.counted_minutes),
        garetz.utilisation(addition.counted_minutes),
        physical_share,
    )


def _gravity(points: float) -> Figures:
    """Factor by which gravity changes each figure from that at 1.050."""
    return Figures(
        tinseth.bigness(points) / tinseth.bigness(REFERENCE_POINTS),
        rager.gravity_factor(points),
        garetz.gravity_factor(points),
        1.0,
    )


def _time(addition: Addition, stage: Stage | None) -> str:
    """What the time of an addition means to the formulas, as the beginning of a sentence."""
    if addition.stand is not None:
        return f"The stand counts as {addition.counted_minutes:.1f} minutes of boil"
    if not addition.minutes:
        return "Hops added after the boil isomerise in the hot wort, which the physical estimate counts"
    if stage is Stage.FIRST_WORT:
        return f"First-wort hops count as {addition.minutes:g} minutes of boil"
    if stage is not None:
        return f"The stage {stage.value} counts as {addition.minutes:g} minutes of boil"
    if addition.minutes < SHORT_BOIL:
        return "After a short boil hops isomerise on in the hot wort, which the physical estimate counts"
    return f"The formulas count {addition.minutes:g} minutes of boil differently"


def _form(addition: Addition) -> str:
    """What the form of the hops adds to a sentence."""
    if addition.extracted == 1.0:
        return ""
    return f"; only the physical estimate counts the form, with {100 * addition.extracted:.0f} % of what pellets give"


def _changes(factors: Figures, reference: str) -> str:
    """Say how far each figure is changed."""
    tinseth_, rager_, garetz_, physical_ = map(_change, factors)
    return (
        f"compared with {reference}, Tinseth counts {tinseth_}, Rager {rager_}, Garetz {garetz_} and the physical "
        f"estimate {physical_}"
    )


def _change(factor: float) -> str:
    percent = round(100 * (factor - 1.0))
    return f"{abs(percent)} % {'more' if percent > 0 else 'less'}" if percent else "the same"


def _spread(values: Sequence[float]) -> float:
    highest = max(values)
    return 1.0 - min(values) / highest if highest > 0 else 0.0


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 0 else 1.0
