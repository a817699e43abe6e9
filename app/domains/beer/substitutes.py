"""Which hop varieties can stand in for one another, by alpha acid and use.

Uses and named substitutes are from common-beer-data (Wall Brew Co., MIT licence), which has 52 of the varieties.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from app.domains.beer.varieties import Variety, find, load

TABLE = Path(__file__).with_name("hop_uses.csv")
MOST = 5
"""Substitutes of a variety."""
SIMILAR = 0.1
"""Difference of the typical alpha acids, as a share of the variety's own, up to which the same weight will do."""
NAMED_RATIO = 2.0
"""Ratio of the typical alpha acids up to which a substitute that the table names will do, with another weight."""


class Use(StrEnum):
    """What a variety is grown for."""

    AROMA = "aroma"
    BITTERING = "bittering"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Known:
    """A row of the table."""

    use: Use
    substitutes: tuple[str, ...]


def use_of(variety: Variety) -> Use | None:
    """What a variety is grown for; None if the table does not have it."""
    known = _table().get(variety.name)
    return known.use if known else None


@cache
def substitutes(variety: Variety) -> tuple[str, ...]:
    """Name the varieties that can stand in for one.

    First come those that the table names for it, with at most twice and at least half the alpha acid; then others of
    the same kind up to a tenth away, those of the same use before those of another or an unknown one. A bittering hop
    does not stand in for an aroma hop, nor the reverse. The nearest in typical alpha acid come first.

    Args:
        variety: A variety of the table of varieties.

    Returns:
        At most `MOST` names, as in the table of varieties; none if no other variety is near.
    """
    known = _table().get(variety.name)
    named = {other.name for other in map(find, known.substitutes) if other} if known else set()
    ranked = sorted(_ranked(variety, named), key=lambda each: each[:3])
    return tuple(name for *_, name in ranked[:MOST])


def _ranked(variety: Variety, named: set[str]) -> Iterator[tuple[int, float, str, str]]:
    """The possible substitutes with their rank, difference in alpha acid and, for ties, name in lower case."""
    use = use_of(variety)
    for other in _varieties():
        if other is variety or other.kind is not variety.kind:
            continue
        apart = abs(other.alpha_typical - variety.alpha_typical) / variety.alpha_typical
        its = use_of(other)
        low, high = sorted((other.alpha_typical, variety.alpha_typical))
        if other.name in named and high <= NAMED_RATIO * low:
            yield 0, apart, other.name.casefold(), other.name
        elif apart <= SIMILAR and {use, its} != {Use.AROMA, Use.BITTERING}:
            yield 1 if use is not None and its is use else 2, apart, other.name.casefold(), other.name


@cache
def _varieties() -> tuple[Variety, ...]:
    return tuple({variety.name: variety for variety in load().values()}.values())


@cache
def _table() -> dict[str, _Known]:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return {
            row["name"]: _Known(Use(row["use"]), tuple(filter(None, map(str.strip, row["substitutes"].split(";")))))
            for row in csv.DictReader(lines)
        }
