"""The hop bill as inputs of the recipe model: amounts per litre, by time of addition."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domains.beer.isomerisation import isomerised_share
from app.domains.beer.stages import Stage
from app.domains.beer.stands import Stand
from app.domains.beer.tinseth import boil_factor

EARLY, MIDDLE, LATE, WHIRLPOOL, DRY = range(5)
"""Times of addition that the model distinguishes."""

TIMES = ("early", "middle", "late", "whirlpool", "dry")
"""Names of these times, as in the input ``hops_early``."""

_TIME = {
    Stage.MASH: EARLY,
    Stage.FIRST_WORT: EARLY,
    Stage.START: EARLY,
    Stage.MIDDLE: MIDDLE,
    Stage.END: LATE,
    Stage.WHIRLPOOL: WHIRLPOOL,
    Stage.DRY_HOP: DRY,
}
MINUTES = {
    Stage.MASH: 15.0,
    Stage.FIRST_WORT: 75.0,
    Stage.START: 70.0,
    Stage.MIDDLE: 30.0,
    Stage.END: 5.0,
    Stage.WHIRLPOOL: 0.0,
    Stage.DRY_HOP: 0.0,
}
"""Boil time in minutes that is assumed for a stage."""
WHIRLPOOL_MINUTES = 2.0
"""Boil time in minutes credited to hops added at flame-out: isomerisation goes on in hot wort."""
EXTRACT_ALPHA = 25.0
"""Alpha acid, %, from which a hop product is an extract: no cone contains as much."""
CONE_ALPHA = 12.0
"""Alpha acid, %, of the cones whose weight stands for the weight of an extract."""
MAX_PER_LITRE = 1e6
"""Upper limit of every input, so that a tiny volume does not overflow float32."""


def time_of(minutes: float) -> int:
    """Map a boil time to a time of addition; flame-out counts as whirlpool."""
    if minutes >= 45.0:
        return EARLY
    if minutes >= 20.0:
        return MIDDLE
    return LATE if minutes > 0.0 else WHIRLPOOL


@dataclass(slots=True)  # not frozen, which would double the time to create it, a hundredth of a prediction
class Addition:
    """One addition of hops, which nothing changes.

    Attributes:
        grams: Weight, g.
        alpha: Alpha acid, %.
        time: Time of addition: `EARLY` to `DRY`.
        minutes: Boil time, minutes.
        stand: Stand of an addition after the boil, if temperature or time are known.
        extracted: Share of the alpha acid that the form gives to the wort, compared with pellets.
        cones: Weight of cones that a unit of weight stands for; 0 if it follows from the alpha acid.
    """

    grams: float
    alpha: float
    time: int
    minutes: float
    stand: Stand | None = None
    extracted: float = 1.0
    cones: float = 0.0

    @classmethod
    def at_stage(cls, grams: float, alpha: float, stage: Stage) -> "Addition":
        """Create an addition at a stage."""
        return cls(grams, alpha, _TIME[stage], MINUTES[stage])

    def weighing(self, grams: float) -> "Addition":
        """Return the addition with another weight; several times as fast as `dataclasses.replace`."""
        return Addition(grams, self.alpha, self.time, self.minutes, self.stand, self.extracted, self.cones)

    def as_cones(self, grams: float) -> float:
        """Return the weight of cones that a weight of these hops stands for: of cones and pellets the same."""
        if self.cones:
            return grams * self.cones
        return grams * self.alpha / CONE_ALPHA if self.alpha >= EXTRACT_ALPHA else grams

    @property
    def counted_minutes(self) -> float:
        """Minutes of boil that Tinseth's formula counts."""
        return self.minutes if self.stand is None else self.stand.boil_minutes

    @classmethod
    def at_minutes(cls, grams: float, alpha: float, minutes: float) -> "Addition":
        """Create an addition with a known boil time."""
        return cls(grams, alpha, time_of(minutes), minutes)


def bill_row(additions: Iterable[Addition], litres: float) -> tuple[float, ...]:
    """Compute the inputs of one beer's hop bill.

    Amounts are per litre: twice the hops in twice the volume give the same row. Every value is non-decreasing in
    every amount.

    Args:
        additions: The hops.
        litres: Volume after the boil.

    Returns:
        Values of `app.domains.beer.inputs.HOP_INPUTS`.
    """
    hops, alphas, isomerised = [0.0] * len(TIMES), [0.0] * len(TIMES), [0.0] * len(TIMES)
    iso_alphas = [0.0] * DRY
    for addition in additions:
        time = addition.time
        grams = min(addition.grams / litres, MAX_PER_LITRE)
        alpha = grams * addition.alpha * 10.0
        hops[time] += addition.as_cones(grams)
        alphas[time] += alpha
        if time != DRY:
            isomerised[time] += alpha * boil_factor(addition.minutes or WHIRLPOOL_MINUTES)
            iso_alphas[time] += alpha * isomerised_share(addition.minutes)
    values = (*hops, *alphas, *isomerised[:DRY], *iso_alphas)
    return values if max(values) <= MAX_PER_LITRE else tuple(min(value, MAX_PER_LITRE) for value in values)


def amounts(weights: NDArray[np.float64], litres: float) -> NDArray[np.float64]:
    """Return weights per litre as inputs count them.

    Args:
        weights: Weights, g.
        litres: Volume after the boil.

    Returns:
        The same shape, g/l.
    """
    with np.errstate(over="ignore"):  # a tiny volume
        return np.minimum(weights / litres, MAX_PER_LITRE)


def bill_rows(additions: Sequence[Addition], weights: NDArray[np.float64], litres: float) -> NDArray[np.float64]:
    """Compute `bill_row` for many weights of the same additions, up to rounding.

    Args:
        additions: The hops; their own weights are not read.
        weights: Weights, g, shape (n, n_additions).
        litres: Volume after the boil.

    Returns:
        Values of `app.domains.beer.inputs.HOP_INPUTS`, shape (n, n_inputs).
    """
    of_a_gram = np.array([bill_row([addition.weighing(1.0)], 1.0) for addition in additions])
    rows: NDArray[np.float64] = np.minimum(amounts(weights, litres) @ of_a_gram, MAX_PER_LITRE)
    return rows


def tinseth(additions: Sequence[Addition], litres: float, bigness: float) -> float:
    """Compute Tinseth's estimate, as brewing software does: hops at flame-out and dry hops contribute nothing.

    A stand whose temperature or time is known counts as the minutes of boil that isomerise as much, which is no part of
    Tinseth's formula; see `app.domains.beer.stands`.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        bigness: Bigness factor of the gravity of the boil, see `app.domains.beer.tinseth.bigness`.

    Returns:
        Bitterness, IBU.
    """
    return bigness * sum(
        min(a.grams / litres, MAX_PER_LITRE)
        * a.alpha
        * 10.0
        * boil_factor(a.minutes if a.stand is None else a.counted_minutes)
        for a in additions
    )


def by_utilisation(
    additions: Iterable[Addition], litres: float, gravity_factor: float, utilisation: Callable[[float], float]
) -> list[float]:
    """Compute the bitterness of each addition by a formula that has a curve of utilisation over the boil time.

    Args:
        additions: The hops; dry hops are not heated and add nothing.
        litres: Volume after the boil.
        gravity_factor: Factor by which the gravity of the boil changes utilisation.
        utilisation: Share of the alpha acid that reaches the beer, by minutes of boil.

    Returns:
        Bitterness that each addition adds, IBU.
    """
    factor = 10.0 * gravity_factor
    return [
        0.0
        if a.time == DRY
        else factor * min(a.grams / litres, MAX_PER_LITRE) * a.alpha * utilisation(a.counted_minutes)
        for a in additions
    ]
