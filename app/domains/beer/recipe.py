"""A beer as the recipe model's inputs, with what had to be assumed and what is wrong."""

from dataclasses import dataclass

from app.domains.beer.bill import BILL_COLUMNS, Addition, bill_row, tinseth
from app.domains.beer.grist import GRIST_COLUMNS, malt_shares, yeast_kinds
from app.domains.beer.schema import Beer, Hop
from app.domains.beer.tinseth import bigness
from app.domains.beer.units import points
from app.domains.beer.varieties import find
from app.domains.face import Warning
from app.errors import Problem

VITAL_COLUMNS = ("abv", "target_og", "target_fg", "ebc", "srm", "ph")
"""Inputs of the vitals model; gravities in points, NaN where a value is missing."""
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

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A hop bill, resolved."""

    columns: tuple[float, ...]
    """Values of the bill's and the grist's columns."""
    tinseth: float
    """Tinseth's plain figure, IBU."""
    warnings: list[Warning]


def vital_row(beer: Beer) -> tuple[float, ...]:
    """A beer's values of `VITAL_COLUMNS`."""
    ebc, srm, ph = beer.ebc, beer.srm, beer.ph
    return (
        beer.abv,
        points(beer.target_og),
        points(beer.target_fg),
        _NAN if ebc is None else ebc,
        _NAN if srm is None else srm,
        _NAN if ph is None else ph,
    )


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
