"""Cleaning of recipes by rules, applied in order; the manifest states how many rows each rule affects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from app.bundle.manifest import CleaningStep
from app.domains.beer.corrections import contradict, exchanged
from app.domains.beer.inputs import EBC, SRM, VITAL_INPUTS, BeerInput, names
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.units import ABV_PER_POINT, POINTS_PER_SG
from app.domains.validation import sanitize
from training.errors import DataError
from training.sources import Recipe

NUMBERS = ("ibu", *names(VITAL_INPUTS))
REQUIRED = tuple(column.name for column in VITAL_INPUTS if not (column.optional or column.computed))
COLOURS = (EBC, SRM)
IBU_LOW, IBU_HIGH = 3.0, 150.0
"""Range of plausible labels: 0 stands for unknown, and values above 150 are exaggerations, as iso-alpha acids dissolve
to about 110 IBU."""
NAMES_SHOWN, NAME_LENGTH = 20, 40
"""Names of columns that an error lists, and characters of each."""

Mask = pd.Series  # of bool, one for each row


@dataclass(frozen=True)
class Rule:
    """A cleaning rule: which rows it affects, and how."""

    name: str
    description: str
    finds: Callable[[pd.DataFrame], Mask]
    """Returns True for each affected row."""
    mends: Callable[[pd.DataFrame, Mask], None] | None = None
    """Changes the affected rows in place; None drops them."""
    details: Callable[[pd.DataFrame, Mask], str] | None = None
    """Describes what was found, for the manifest."""

    @property
    def action(self) -> Literal["dropped", "changed"]:
        """The manifest's word for what the rule does."""
        return "changed" if self.mends else "dropped"


def table(beers: Sequence[Recipe]) -> pd.DataFrame:
    """Convert recipes to a table without changing values.

    Returns:
        Columns ``id``, ``name``, those in NUMBERS, and ``beer``, the whole recipe; shape (n_recipes,).
    """
    rows = [{**{key: beer.get(key) for key in ("id", "name", *NUMBERS)}, "beer": beer} for beer in beers]
    return pd.DataFrame(rows, columns=["id", "name", *NUMBERS, "beer"], dtype=object)


def _no_numbers(frame: pd.DataFrame) -> Mask:
    wrong = [frame[name].map(lambda v: v is not None and v == v and number(v) is None) for name in NUMBERS]
    return pd.concat(wrong, axis=1).astype(bool).any(axis=1)


def _to_numbers(frame: pd.DataFrame, _: Mask) -> None:
    for name in NUMBERS:
        frame[name] = frame[name].map(number).astype("float64")


def _gravity_as_sg(frame: pd.DataFrame) -> Mask:
    return (frame[["target_og", "target_fg"]] < 10).any(axis=1)


def _to_points(frame: pd.DataFrame, found: Mask) -> None:
    for name in ("target_og", "target_fg"):
        frame.loc[found & (frame[name] < 10), name] *= POINTS_PER_SG


def _swap(first: str, second: str) -> Callable[[pd.DataFrame, Mask], None]:
    def mends(frame: pd.DataFrame, found: Mask) -> None:
        frame.loc[found, [first, second]] = frame.loc[found, [second, first]].to_numpy()

    return mends


def _compute_abv(frame: pd.DataFrame, found: Mask) -> None:
    frame.loc[found, "abv"] = ABV_PER_POINT * (frame.loc[found, "target_og"] - frame.loc[found, "target_fg"])


def _blank(name: str) -> Callable[[pd.DataFrame, Mask], None]:
    def mends(frame: pd.DataFrame, found: Mask) -> None:
        frame.loc[found, name] = np.nan

    return mends


def _outside(name: str, low: float, high: float) -> Callable[[pd.DataFrame], Mask]:
    return lambda frame: (frame[name] < low) | (frame[name] > high)


def _out_of_range(column: BeerInput) -> Rule:
    """A value outside the range drops the beer, or becomes missing where the input is optional."""
    low, high = column.clean_range or (column.low, column.high)
    name, text = f"{column.symbol.lower()}_out_of_range", f"{column.symbol} outside {low:g}-{high:g}"
    outside = _outside(column.name, low, high)
    if column.optional:
        return Rule(name, f"{text} becomes missing", outside, _blank(column.name))
    return Rule(name, f"{text} {column.unit}", outside)


def rules(ibu_low: float = IBU_LOW, ibu_high: float = IBU_HIGH) -> tuple[Rule, ...]:
    """Return the rules in order: those that convert numbers, then those on labels, then those on inputs.

    Args:
        ibu_low: Labels below are dropped.
        ibu_high: Labels above are dropped.
    """
    return (
        Rule("not_a_number", "a figure that is no finite number becomes missing", _no_numbers, _to_numbers),
        Rule("duplicate_id", "an id seen before", lambda f: f["id"].notna() & f["id"].astype(str).duplicated()),
        Rule("no_label", "no IBU", lambda f: f["ibu"].isna()),
        Rule("ibu_copied_from_og", "the IBU is the original gravity, copied", lambda f: f["ibu"] == f["target_og"]),
        Rule(f"ibu_above_{ibu_high:g}", f"IBU above {ibu_high:g}", lambda f: f["ibu"] > ibu_high),
        Rule(f"ibu_below_{ibu_low:g}", f"IBU below {ibu_low:g}", lambda f: f["ibu"] < ibu_low),
        Rule("missing_required", "OG or FG missing", lambda f: f[list(REQUIRED)].isna().any(axis=1)),
        Rule("gravity_as_sg", "a specific gravity (1.048) is made points (1048)", _gravity_as_sg, _to_points),
        Rule(
            "gravities_swapped",
            "OG below FG: exchanged",
            lambda f: f["target_og"] < f["target_fg"],
            _swap("target_og", "target_fg"),
        ),
        Rule("abv_missing", "no ABV: computed from the gravities", lambda f: f["abv"].isna(), _compute_abv),
        *(_out_of_range(column) for column in VITAL_INPUTS if column not in COLOURS),
        *(_out_of_range(column) for column in COLOURS),
        Rule(
            "ebc_srm_swapped",
            "EBC and SRM fit only the other way round: exchanged",
            lambda f: exchanged(f["ebc"], f["srm"]),
            _swap("ebc", "srm"),
        ),
        Rule(
            "ebc_srm_disagree",
            "SRM is not EBC / 1.97: the EBC is kept",
            lambda f: contradict(f["ebc"], f["srm"]),
            _blank("srm"),
        ),
    )


def clean(
    beers: Sequence[Recipe], applied: Sequence[Rule] | None = None
) -> tuple[pd.DataFrame, tuple[CleaningStep, ...]]:
    """Apply the rules in order.

    Args:
        beers: The recipes.
        applied: The rules; those of `rules` by default.

    Returns:
        The rows left, with the columns of `table` and NUMBERS as float64, index 0 to n - 1; and a step for each rule.

    Raises:
        DataError: If no row is left; the message names the column that no recipe has, or the rules that dropped them.
    """
    frame = table(beers)
    steps = []
    for rule in rules() if applied is None else applied:
        before = len(frame)
        affected = rule.finds(frame).astype(bool)
        description = rule.description
        if rule.details and affected.any():
            description += f" ({rule.details(frame, affected)})"
        if rule.mends:
            rule.mends(frame, affected)
        else:
            frame = frame[~affected].reset_index(drop=True)
        steps.append(
            CleaningStep(
                rule=rule.name,
                description=description,
                action=rule.action,
                rows_before=before,
                rows_affected=int(affected.sum()),
                rows_after=len(frame),
            )
        )
    _check_chain(len(beers), steps)
    if frame.empty:
        raise DataError(_why_empty(beers, steps))
    return frame, tuple(steps)


def _why_empty(beers: Sequence[Recipe], steps: Sequence[CleaningStep]) -> str:
    """Say why no row is left: which column is missing, or else what each rule did."""
    needed = ("ibu", *REQUIRED)
    missing = [name for name in needed if all(beer.get(name) is None for beer in beers)]
    if missing:
        found = sorted({sanitize(str(name), NAME_LENGTH) for beer in beers for name in beer})
        more = f", and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
        return (
            f"no recipe has {' or '.join(missing)}: each needs {', '.join(needed)}; "
            f"the columns found are {', '.join(found[:NAMES_SHOWN])}{more}"
        )
    done = [f"{step.rule} {step.action} {step.rows_affected}" for step in steps if step.rows_affected]
    return f"no row is left after cleaning, of {len(beers)}: {', '.join(done)}"


def _check_chain(read: int, steps: Sequence[CleaningStep]) -> None:
    """Check that each step starts with the rows that the previous one left, and accounts for those it drops."""
    for step in steps:
        lost = step.rows_affected if step.action == "dropped" else 0
        if step.rows_before != read or step.rows_after != read - lost:
            raise DataError(f"{step.rule}: rows do not add up: {step.rows_before} - {lost} is not {step.rows_after}")
        read = step.rows_after
