"""The rules by which beers are cleaned, one at a time; training and the platform's transform function use them.

A rule mends a beer's figures or drops the beer. The rules run in order. Only a table knows whether an id was seen
before, so that rule is training's (`training.cleaning`).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domains.beer.corrections import contradict, exchanged
from app.domains.beer.inputs import EBC, FG, OG, SRM, VITAL_INPUTS, BeerInput, names
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.units import ABV_PER_POINT, POINTS_PER_SG

LABEL = "ibu"
FIGURES = (LABEL, *names(VITAL_INPUTS))
"""The figures that rules read and change."""
REQUIRED = tuple(column.name for column in VITAL_INPUTS if not (column.optional or column.computed))
COLOURS = (EBC, SRM)
IBU_LOW, IBU_HIGH = 3.0, 150.0
"""Range of plausible labels: 0 means unknown, and values above 150 are exaggerations, as iso-alpha acids dissolve
to about 110 IBU."""
NOT_A_NUMBER = "not_a_number"
"""Name of the rule that `figures_of` is."""
_SG_BELOW = 10
"""A gravity below is a specific gravity."""

Figures = dict[str, float]
"""A beer's `FIGURES`; NaN is missing."""


@dataclass(frozen=True, slots=True)
class BeerRule:
    """A cleaning rule for one beer."""

    name: str
    description: str
    finds: Callable[[Figures], bool]
    """Whether the beer has the fault."""
    mends: Callable[[Figures], None] | None = None
    """Changes the figures in place; None drops the beer."""
    of_label: bool = False
    """Whether the rule is about the label alone."""


@dataclass(frozen=True, slots=True)
class CleanedBeer:
    """What the rules made of a beer."""

    figures: Figures
    """The figures, as far as the rules came."""
    mended: tuple[str, ...]
    """Names of the rules that changed it."""
    dropped_by: str = ""
    """Name of the rule that dropped it; empty if it is clean."""


def figures_of(beer: Mapping[str, Any]) -> Figures:
    """Return a beer's figures as numbers; what is no finite number is missing.

    Args:
        beer: A recipe in the Punk API's shape.
    """
    return {name: _or_nan(number(beer.get(name))) for name in FIGURES}


def has_no_number(beer: Mapping[str, Any]) -> bool:
    """Whether a beer states a figure that is no finite number."""
    return any(is_no_number(beer.get(name)) for name in FIGURES)


def is_no_number(value: Any) -> bool:
    """Whether a stated value is no finite number; False for None and NaN, which are missing."""
    return value is not None and value == value and number(value) is None


def clean(beer: Mapping[str, Any], label_required: bool = True) -> CleanedBeer:
    """Apply the rules to a beer.

    Args:
        beer: A recipe in the Punk API's shape.
        label_required: Whether a beer without a plausible label is dropped; otherwise its label becomes missing.
    """
    figures = figures_of(beer)
    mended = [NOT_A_NUMBER] if has_no_number(beer) else []
    for rule in beer_rules():
        if not rule.finds(figures):
            continue
        if rule.mends is not None:
            rule.mends(figures)
        elif rule.of_label and not label_required:
            figures[LABEL] = math.nan
        else:
            return CleanedBeer(figures, tuple(mended), rule.name)
        mended.append(rule.name)
    return CleanedBeer(figures, tuple(mended))


def beer_rules(ibu_low: float = IBU_LOW, ibu_high: float = IBU_HIGH) -> tuple[BeerRule, ...]:
    """Return the rules in order: those on labels, then those on inputs.

    Args:
        ibu_low: Labels below are dropped.
        ibu_high: Labels above are dropped.
    """
    return (*_label_rules(ibu_low, ibu_high), *_INPUT_RULES)


def _label_rules(low: float, high: float) -> tuple[BeerRule, ...]:
    return (
        BeerRule("no_label", "no IBU", lambda beer: math.isnan(beer[LABEL]), of_label=True),
        BeerRule(
            "ibu_copied_from_og",
            "the IBU is the original gravity, copied",
            lambda beer: beer[LABEL] == beer[OG.name],
            of_label=True,
        ),
        BeerRule(f"ibu_above_{high:g}", f"IBU above {high:g}", lambda beer: beer[LABEL] > high, of_label=True),
        BeerRule(f"ibu_below_{low:g}", f"IBU below {low:g}", lambda beer: beer[LABEL] < low, of_label=True),
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _to_points(beer: Figures) -> None:
    for name in (OG.name, FG.name):
        if beer[name] < _SG_BELOW:
            beer[name] *= POINTS_PER_SG


def _swap(first: str, second: str) -> Callable[[Figures], None]:
    def mends(beer: Figures) -> None:
        beer[first], beer[second] = beer[second], beer[first]

    return mends


def _compute_abv(beer: Figures) -> None:
    beer["abv"] = ABV_PER_POINT * (beer[OG.name] - beer[FG.name])


def _blank(name: str) -> Callable[[Figures], None]:
    def mends(beer: Figures) -> None:
        beer[name] = math.nan

    return mends


def _out_of_range(column: BeerInput) -> BeerRule:
    """A value outside the range drops the beer, or becomes missing where the input is optional."""
    low, high = column.clean_range or (column.low, column.high)
    name, text = f"{column.symbol.lower()}_out_of_range", f"{column.symbol} outside {low:g}-{high:g}"

    def outside(beer: Figures) -> bool:
        return beer[column.name] < low or beer[column.name] > high

    if column.optional:
        return BeerRule(name, f"{text} becomes missing", outside, _blank(column.name))
    return BeerRule(name, f"{text} {column.unit}", outside)


_INPUT_RULES = (
    BeerRule("missing_required", "OG or FG missing", lambda beer: any(math.isnan(beer[name]) for name in REQUIRED)),
    BeerRule(
        "gravity_as_sg",
        "a specific gravity (1.048) is made points (1048)",
        lambda beer: beer[OG.name] < _SG_BELOW or beer[FG.name] < _SG_BELOW,
        _to_points,
    ),
    BeerRule(
        "gravities_swapped",
        "OG below FG: exchanged",
        lambda beer: beer[OG.name] < beer[FG.name],
        _swap(OG.name, FG.name),
    ),
    BeerRule(
        "abv_missing",
        "no ABV: computed from the gravities",
        lambda beer: math.isnan(beer["abv"]),
        _compute_abv,
    ),
    *(_out_of_range(column) for column in VITAL_INPUTS if column not in COLOURS),
    *(_out_of_range(column) for column in COLOURS),
    BeerRule(
        "ebc_srm_swapped",
        "EBC and SRM fit only the other way round: exchanged",
        lambda beer: bool(exchanged(beer[EBC.name], beer[SRM.name])),
        _swap(EBC.name, SRM.name),
    ),
    BeerRule(
        "ebc_srm_disagree",
        "SRM is not EBC / 1.97: the EBC is kept",
        lambda beer: bool(contradict(beer[EBC.name], beer[SRM.name])),
        _blank(SRM.name),
    ),
)
