"""The hop bill as the recipe model's inputs: per litre, by when the hops go in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domains.beer.tinseth import boil_factor


class Stage(StrEnum):
    """When hops go in."""

    MASH = "mash"
    FIRST_WORT = "first_wort"
    START = "start"
    MIDDLE = "middle"
    END = "end"
    WHIRLPOOL = "whirlpool"
    DRY_HOP = "dry_hop"


EARLY, MIDDLE, LATE, WHIRLPOOL, DRY = range(5)
"""Columns of the bill: the stages that the model tells apart."""

TIMES = ("early", "middle", "late", "whirlpool", "dry")
BILL_COLUMNS = (
    *(f"hops_{time}" for time in TIMES),
    *(f"alpha_{time}" for time in TIMES),
    *(f"isomerised_{time}" for time in TIMES[:DRY]),
)
"""Names of the bill's columns: hops in g/l, alpha acids in mg/l, and alpha acids that the boil isomerises in mg/l."""

_COLUMN = {
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
"""Minutes of boil that a stage stands for where none are given."""
WHIRLPOOL_MINUTES = 2.0
"""Minutes credited to hops that go in at flame-out: hot wort isomerises on for a while."""
EXTRACT_ALPHA = 25.0
"""Alpha acids, %, that no cone holds: what has as much is an extract."""
CONE_ALPHA = 12.0
"""Alpha acids, %, of the cones that an extract's weight is turned into."""
MOST_PER_LITRE = 1e6
"""Every column ends here, so that no volume is too small for float32."""


def column_of(minutes: float) -> int:
    """The column of hops that boil so long; flame-out counts as whirlpool."""
    if minutes >= 45.0:
        return EARLY
    if minutes >= 20.0:
        return MIDDLE
    return LATE if minutes > 0.0 else WHIRLPOOL


@dataclass(frozen=True, slots=True)
class Addition:
    """One addition of hops, resolved."""

    grams: float
    alpha: float
    """Alpha acids, %."""
    column: int
    minutes: float
    """Time in the boil."""

    @classmethod
    def at_stage(cls, grams: float, alpha: float, stage: Stage) -> "Addition":
        """An addition whose time is told by a stage."""
        return cls(grams, alpha, _COLUMN[stage], MINUTES[stage])

    @classmethod
    def at_minutes(cls, grams: float, alpha: float, minutes: float) -> "Addition":
        """An addition whose time in the boil is known."""
        return cls(grams, alpha, column_of(minutes), minutes)


def bill_row(additions: Iterable[Addition], litres: float) -> tuple[float, ...]:
    """The bill's columns for one beer.

    Amounts enter per litre: twice the hops in twice the volume change nothing. Every column rises with every amount.

    Args:
        additions: The hops.
        litres: Volume after the boil.

    Returns:
        Values of `BILL_COLUMNS`.
    """
    hops, alphas, isomerised = [0.0] * len(TIMES), [0.0] * len(TIMES), [0.0] * len(TIMES)
    for addition in additions:
        column = addition.column
        grams = min(addition.grams / litres, MOST_PER_LITRE)
        alpha = grams * addition.alpha * 10.0
        hops[column] += grams * addition.alpha / CONE_ALPHA if addition.alpha >= EXTRACT_ALPHA else grams
        alphas[column] += alpha
        if column != DRY:
            isomerised[column] += alpha * boil_factor(addition.minutes or WHIRLPOOL_MINUTES)
    return tuple(min(value, MOST_PER_LITRE) for value in (*hops, *alphas, *isomerised[:DRY]))


def tinseth(additions: Sequence[Addition], litres: float, bigness: float) -> float:
    """Tinseth's plain figure, as brewing software gives it: hops at flame-out and dry hops count nothing.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        bigness: Of the boil's gravity.

    Returns:
        IBU.
    """
    return bigness * sum(
        min(a.grams / litres, MOST_PER_LITRE) * a.alpha * 10.0 * boil_factor(a.minutes) for a in additions
    )
