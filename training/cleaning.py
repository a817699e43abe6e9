"""Cleaning of tables of recipes; the manifest states how many rows each rule affects.

The rules for one beer are in `app.domains.beer.cleaning`, which the service's platform uses as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import pandas as pd

from app.bundle.manifest import CleaningStep
from app.domains.beer.cleaning import (
    FIGURES,
    IBU_HIGH,
    IBU_LOW,
    NOT_A_NUMBER,
    REQUIRED,
    BeerRule,
    Figures,
    beer_rules,
    is_no_number,
)
from app.domains.beer.recipe_files.numbers import number
from app.domains.validation import sanitize
from training.errors import DataError
from training.sources import Recipe

NUMBERS = FIGURES
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
    return pd.concat([frame[name].map(is_no_number) for name in NUMBERS], axis=1).astype(bool).any(axis=1)


def _to_numbers(frame: pd.DataFrame, _: Mask) -> None:
    for name in NUMBERS:
        frame[name] = frame[name].map(number).astype("float64")


def of_table(rule: BeerRule) -> Rule:
    """Return a rule for one beer as a rule for a table whose figures are numbers."""

    def finds(frame: pd.DataFrame) -> Mask:
        return pd.Series([rule.finds(row) for row in _figures(frame)], index=frame.index, dtype=bool)

    if rule.mends is None:
        return Rule(rule.name, rule.description, finds)
    return Rule(rule.name, rule.description, finds, _mends_all(rule.mends))


def _mends_all(mends: Callable[[Figures], None]) -> Callable[[pd.DataFrame, Mask], None]:
    def mends_all(frame: pd.DataFrame, found: Mask) -> None:
        rows = _figures(frame[found])
        for row in rows:
            mends(row)
        frame.loc[found, list(NUMBERS)] = pd.DataFrame(rows, frame.index[found], NUMBERS, dtype="float64")

    return mends_all


def _figures(frame: pd.DataFrame) -> list[Figures]:
    return cast(list[Figures], frame[list(NUMBERS)].to_dict("records"))


def rules(ibu_low: float = IBU_LOW, ibu_high: float = IBU_HIGH) -> tuple[Rule, ...]:
    """Return the rules in order: those that convert numbers, then those on labels, then those on inputs.

    Args:
        ibu_low: Labels below are dropped.
        ibu_high: Labels above are dropped.
    """
    return (
        Rule(NOT_A_NUMBER, "a figure that is no finite number becomes missing", _no_numbers, _to_numbers),
        Rule("duplicate_id", "an id seen before", lambda f: f["id"].notna() & f["id"].astype(str).duplicated()),
        *map(of_table, beer_rules(ibu_low, ibu_high)),
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
