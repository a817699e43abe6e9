"""Turns beers into rows of model inputs: resolves their hop bills and finds contradictions."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from app.domains.api import Warning
from app.domains.beer.answers import Assumption
from app.domains.beer.corrections import FEW
from app.domains.beer.grist import is_known_malt, malt_shares, yeast_kinds
from app.domains.beer.hop_bill import Addition, bill_row, tinseth
from app.domains.beer.hop_condition import (
    FIELDS,
    Condition,
    condition,
    problems_of_hop,
    stated_alpha,
    typical_of_form,
    unknown_of_form,
)
from app.domains.beer.ingredients import Hop
from app.domains.beer.inputs import ABV, OG, VITAL_INPUTS
from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.physical import physical
from app.domains.beer.schema import VOLUMES, Beer
from app.domains.beer.tinseth import bigness
from app.domains.beer.unit_slips import unit_warnings
from app.domains.beer.units import MAX_SG, alcohol, points
from app.domains.beer.varieties import find
from app.domains.beer.yeasts import kinds
from app.domains.quantities import sent_as
from app.errors import Problem

ASSUMED_ALPHA = 10.0
"""Alpha acid, %, of a hop without a stated figure that the table of varieties does not have: a common value."""

_ABV = VITAL_INPUTS.index(ABV)
_vitals = attrgetter(*(declared.field for declared in VITAL_INPUTS))
_MAX_SG = np.array([MAX_SG if declared.unit == OG.unit else -inf for declared in VITAL_INPUTS])
"""By vital input: the value below which a gravity is a specific gravity."""


@dataclass(slots=True)  # not frozen, which would double the time to create it, a hundredth of a prediction
class ResolvedBill:
    """A hop bill and a grist as model inputs.

    Attributes:
        columns: Values of `HOP_INPUTS` and `GRIST_INPUTS`; NaN is missing.
        tinseth: Tinseth's estimate, IBU.
        physical: Estimate from the chemistry of the boil, IBU.
        warnings: Warnings about names that are not known and units that do not fit.
        assumptions: Values that the beer does not state.
        additions: The hops, without what is no hop.
        positions: Index of each addition in the beer's `hops`.
        boil_points: Gravity of the boil, in points.
        ends: Model inputs with the least and with the most alpha acid that the beer's hops may have; None if what the
            beer says of its hops is all that the model knows.
    """

    columns: tuple[float, ...]
    tinseth: float
    physical: float
    warnings: list[Warning]
    assumptions: list[Assumption]
    additions: list[Addition]
    positions: list[int]
    boil_points: float
    ends: tuple[tuple[float, ...], tuple[float, ...]] | None = None


def vital_rows(beers: Sequence[Beer]) -> NDArray[np.float64]:
    """Make rows of the vital figures.

    Args:
        beers: The beers.

    Returns:
        Values of `VITAL_INPUTS`, shape (n_beers, n_inputs), gravities in points, alcohol that a beer does not state as
        it follows from them; NaN is missing.
    """
    rows = np.array([_vitals(beer) for beer in beers], dtype=np.float64)  # None becomes NaN
    if len(beers) > FEW or any(beer.target_og < MAX_SG or beer.target_fg < MAX_SG for beer in beers):
        specific = rows < _MAX_SG
        rows[specific] = [points(gravity) for gravity in rows[specific].tolist()]
    for index, beer in enumerate(beers):
        if beer.abv is None:
            rows[index, _ABV] = alcohol(beer.target_og, beer.target_fg)
    return rows


def assumptions(beer: Beer, bill: ResolvedBill | None) -> list[Assumption]:
    """List the values that a beer does not state and its prediction uses.

    Args:
        beer: The beer.
        bill: Its resolved hop bill, if it has one.

    Returns:
        The assumptions; none for a beer that states everything.
    """
    result = list(bill.assumptions) if bill else []
    if beer.abv is None:
        result.insert(0, assumption_of_abv(alcohol(beer.target_og, beer.target_fg)))
    return result


def assumption_of_abv(abv: float) -> Assumption:
    """Return the assumption of a beer that does not state its alcohol.

    Args:
        abv: The alcohol that follows from the gravities, % vol.
    """
    reason = "computed from the gravities: 131.25 (OG - FG) in specific gravity"
    return {"field": ABV.field, "value": round(abv, 2), "unit": ABV.unit, "reason": reason}


def recipe_columns(
    additions: Iterable[Addition], litres: float, malts: Iterable[tuple[str, float]] | None, yeast: str | None
) -> tuple[float, ...]:
    """Compute the inputs that the recipe model has in addition to the vital figures.

    Args:
        additions: The hops.
        litres: Volume after the boil.
        malts: Name and weight of each malt, all weights in one unit; None if unknown.
        yeast: Name or code of the yeast; None if unknown.

    Returns:
        Values of `HOP_INPUTS` and `GRIST_INPUTS`; NaN is missing.
    """
    return (*bill_row(additions, litres), *malt_shares(malts), *yeast_kinds(yeast))


def resolve(beer: Beer, hops: Sequence[Hop], unread: Container[str] = ()) -> ResolvedBill:
    """Resolve a beer's hop bill and grist.

    Args:
        beer: A beer without contradictions, see `problems`.
        hops: Its hops.
        unread: Fields that the model does not read, whose names need not be known.

    Returns:
        Model inputs, both estimates, and warnings about names that are not known and units that do not fit.
    """
    warnings: list[Warning] = []
    assumed: list[Assumption] = []
    bill, additions = [], []
    for index, hop in enumerate(hops):
        if addition := _addition(hop, f"hops.{index}", warnings, assumed):
            bill.append((index, hop))
            additions.append(addition)
    conditions = _conditions(bill, additions, assumed)
    warnings += unit_warnings(beer, bill, additions)
    if conditions:
        warnings += [found.warning for found in conditions if found.warning]
        additions = [found.addition for found in conditions]
    litres = beer.batch_volume_l
    if bill and VOLUMES.isdisjoint(beer.model_fields_set):
        assumed.append({"field": "batch_volume_l", "value": litres, "unit": "l", "reason": "the usual size of a batch"})
    boil_points = 1000.0 + (points(beer.target_og) - 1000.0) * litres / (beer.boil_volume_l or litres)
    malts = None if beer.malts is None else [(malt.name, malt.amount_kg) for malt in beer.malts]
    if malts and "malts" not in unread:
        unknown = [index for index, (name, _) in enumerate(malts) if not is_known_malt(name)]
        if unknown:
            warnings.append(_unknown_malts([malts[index][0] for index in unknown], unknown[0]))
    if beer.yeast is not None and "yeast" not in unread and not kinds(beer.yeast):
        warnings.append(_unknown_yeast(beer.yeast))
    ends = None
    if any(found.low.alpha < found.high.alpha for found in conditions):
        low = recipe_columns([found.low for found in conditions], litres, malts, beer.yeast)
        ends = low, recipe_columns([found.high for found in conditions], litres, malts, beer.yeast)
    return ResolvedBill(
        recipe_columns(additions, litres, malts, beer.yeast),
        tinseth(additions, litres, bigness(boil_points)),
        physical(additions, litres, beer.boil_volume_l),
        warnings,
        assumed,
        additions,
        [index for index, _ in bill],
        boil_points,
        ends,
    )


def _conditions(
    bill: Sequence[tuple[int, Hop]], additions: Sequence[Addition], assumed: list[Assumption]
) -> list[Condition]:
    """Apply what a beer says of its hops; empty if it says nothing beyond variety, weight, alpha acid and time."""
    for _, hop in bill:
        if not FIELDS.isdisjoint(hop.__pydantic_fields_set__):
            break
    else:  # nearly every beer
        return []
    pairs = zip(bill, additions, strict=True)
    return [condition(hop, addition, f"hops.{index}", assumed) for (index, hop), addition in pairs]


def may_contradict(beer: Beer) -> bool:
    """Whether a beer needs a call of `problems`. This check is cheaper; False is always right."""
    return bool(beer.hops) or not MAX_SG <= beer.target_fg <= beer.target_og


def problems(beer: Beer, prefix: str) -> list[Problem]:
    """Find contradictions within a beer that has passed the schema.

    Args:
        beer: The beer.
        prefix: Path of the beer in the request, with a trailing dot; empty for a single beer.

    Returns:
        The problems; empty for nearly every beer.
    """
    result = []
    if points(beer.target_fg) > points(beer.target_og):
        reason = f"the final gravity is above the original gravity ({sent_as(beer, 'target_og')})"
        result.append(Problem(f"{prefix}{sent_as(beer, 'target_fg')}", "gravities_swapped", reason))
    for index, hop in enumerate(beer.hops or ()):
        if (hop.stage is None) == (hop.boil_minutes is None):
            reason = "give either stage or boil_minutes, and not both"
            result.append(Problem(f"{prefix}hops.{index}.stage", "stage_or_minutes", reason))
        if not FIELDS.isdisjoint(hop.__pydantic_fields_set__):
            result += problems_of_hop(hop, f"{prefix}hops.{index}")
    return result


def _addition(hop: Hop, field: str, warnings: list[Warning], assumed: list[Assumption]) -> Addition | None:
    """Make an addition, or None with a warning for what is no hop; note an alpha acid that is not stated."""
    alpha = hop.alpha_acid
    if alpha is None and (alpha := stated_alpha(hop)) is None:
        variety = find(hop.name)
        if variety is None:
            if is_no_hop(hop.name, alpha):
                warnings.append(_not_a_hop(hop.name, field))
                return None
            alpha = unknown_of_form(hop.form, ASSUMED_ALPHA)
            warnings.append(_unknown_hop(hop.name, field, alpha))
        else:
            alpha, reason = typical_of_form(hop, variety)
            assumed.append({"field": f"{field}.alpha_acid", "value": alpha, "unit": "%", "reason": reason})
    if hop.stage is not None:
        return Addition.at_stage(hop.amount_g, alpha, hop.stage)
    return Addition.at_minutes(hop.amount_g, alpha, hop.boil_minutes or 0.0)


def _not_a_hop(name: str, field: str) -> Warning:
    return {
        "code": "not_a_hop",
        "message": f"{name} is not a hop and is left out. If it is one, send its alpha_acid.",
        "field": f"{field}.name",
    }


def _unknown_hop(name: str, field: str, alpha: float) -> Warning:
    return {
        "code": "unknown_hop",
        "message": f"{name} is not in the table of hop varieties and has no alpha_acid; {alpha:g} % is assumed.",
        "field": f"{field}.name",
    }


def _unknown_malts(names: Sequence[str], first: int) -> Warning:
    others = len(names) - 1
    also = f" and {others} more {'names' if others > 1 else 'name'}" if others else ""
    return {
        "code": "unknown_malt",
        "message": f"{names[0]}{also}: not known as a malt, and counted as neither oats nor crystal malt.",
        "field": f"malts.{first}.name",
    }


def _unknown_yeast(name: str) -> Warning:
    return {
        "code": "unknown_yeast",
        "message": f"{name} is not in the table of yeasts; the prediction is the same as without a yeast.",
        "field": "yeast",
    }
