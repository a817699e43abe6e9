"""A beer as the recipe model's inputs, with what had to be assumed and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from app.domains.api import Warning
from app.domains.beer.grist import GRIST_COLUMNS, malt_shares, yeast_kinds
from app.domains.beer.hop_bill import BILL_COLUMNS, Addition, bill_row, tinseth
from app.domains.beer.schema import Beer, Hop
from app.domains.beer.tinseth import bigness
from app.domains.beer.units import LARGEST_SG, points
from app.domains.beer.varieties import find
from app.errors import Problem

VITAL_COLUMNS = ("abv", "target_og", "target_fg", "ebc", "srm", "ph")
"""Inputs of the vitals model; gravities in points, NaN where a value is missing."""
_vitals = attrgetter(*VITAL_COLUMNS)
RECIPE_COLUMNS = (*VITAL_COLUMNS, *BILL_COLUMNS, *GRIST_COLUMNS)
"""Inputs of the recipe model."""
FIELDS = {
    **{name: name for name in VITAL_COLUMNS},
    **dict.fromkeys(BILL_COLUMNS, "hops"),
    **dict.fromkeys(GRIST_COLUMNS[:2], "malts"),
    **dict.fromkeys(GRIST_COLUMNS[2:], "yeast"),
}
"""The request's field behind each input."""
ASSUMED_ALPHA = 10.0
"""Alpha acids, %, of a hop that is neither in the table nor told: near the middle of what breweries use."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A hop bill, resolved."""

    columns: tuple[float, ...]
    """Values of the bill's and the grist's columns."""
    tinseth: float
    """Tinseth's plain figure, IBU."""
    warnings: list[Warning]


def vital_rows(beers: Sequence[Beer]) -> NDArray[np.float64]:
    """Beers' values of `VITAL_COLUMNS`.

    Returns:
        Shape (n_beers, 6), gravities in points; NaN is missing.
    """
    rows = np.array([_vitals(beer) for beer in beers], dtype=np.float64)  # None becomes NaN
    gravities = rows[:, 1:3]
    specific = gravities < LARGEST_SG
    if specific.any():
        gravities[specific] = [points(gravity) for gravity in gravities[specific].tolist()]
    return rows


def resolve(beer: Beer, hops: list[Hop]) -> Resolved:
    """Resolve a beer's hop bill and grist.

    Args:
        beer: The beer; each of its hops has a time, see `problems`.
        hops: Its hops.

    Returns:
        Columns, Tinseth's figure, and a warning for each hop whose alpha acids had to be assumed.
    """
    warnings: list[Warning] = []
    additions = [_addition(hop, f"hops.{number}", warnings) for number, hop in enumerate(hops)]
    litres = beer.batch_volume_l
    boil_points = 1000.0 + (points(beer.target_og) - 1000.0) * litres / (beer.boil_volume_l or litres)
    malts = None if beer.malts is None else [(malt.name, malt.amount_kg) for malt in beer.malts]
    return Resolved(
        (*bill_row(additions, litres), *malt_shares(malts), *yeast_kinds(beer.yeast)),
        tinseth(additions, litres, bigness(boil_points)),
        warnings,
    )


def may_contradict(beer: Beer) -> bool:
    """Whether `problems` has to be asked of a beer: costs less, and is never wrong when it says no."""
    return bool(beer.hops) or not LARGEST_SG <= beer.target_fg <= beer.target_og


def problems(beer: Beer, prefix: str) -> list[Problem]:
    """What contradicts itself in a beer that the schema let through.

    Args:
        beer: The beer.
        prefix: Path of the beer in the request, with a dot at its end; empty for the only one.

    Returns:
        Problems; empty for nearly every beer.
    """
    found = []
    if points(beer.target_fg) > points(beer.target_og):
        reason = "the final gravity is above the original gravity (target_og)"
        found.append(Problem(f"{prefix}target_fg", "gravities_swapped", reason))
    for number, hop in enumerate(beer.hops or ()):
        if (hop.stage is None) == (hop.boil_minutes is None):
            reason = "give either stage or boil_minutes, and not both"
            found.append(Problem(f"{prefix}hops.{number}.stage", "stage_or_minutes", reason))
    return found


def _addition(hop: Hop, field: str, warnings: list[Warning]) -> Addition:
    alpha = hop.alpha_acid
    if alpha is None:
        variety = find(hop.name)
        alpha = ASSUMED_ALPHA if variety is None else variety.alpha_typical
        if variety is None:
            warnings.append(_unknown(hop.name, field))
    if hop.stage is not None:
        return Addition.at_stage(hop.amount_g, alpha, hop.stage)
    return Addition.at_minutes(hop.amount_g, alpha, hop.boil_minutes or 0.0)


def _unknown(name: str, field: str) -> Warning:
    return {
        "code": "unknown_hop",
        "message": f"{name} is not in the table of hops, and no alpha_acid is given: {ASSUMED_ALPHA:g} % is assumed.",
        "field": f"{field}.name",
    }
