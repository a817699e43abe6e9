"""Makes rows of hop bill and grist; cleaning rules count the entries that cannot be read."""

from collections import Counter
from collections.abc import Callable, Hashable

import pandas as pd

from app.domains.beer.recipe import ASSUMED_ALPHA, recipe_columns
from app.domains.beer.recipe_files.punk import (
    MAX_MALT_KG_PER_LITRE,
    Entry,
    entries,
    grist,
    has_bill,
    heavy_malts,
    lightened,
    stated_volume,
    volume,
    yeast,
)
from app.domains.beer.recipe_files.punk_text import ASSUMED
from app.domains.beer.schema import DEFAULT_BATCH_L
from app.domains.beer.varieties import find, normalise
from training.cleaning import Mask, Rule
from training.sources import Recipe

NAMES_SHOWN = 12
"""Names that the description of a rule lists."""


def recipe_row(beer: Recipe, *, nameless: bool = False) -> tuple[float, ...]:
    """Make the inputs of hop bill and grist, with the functions that the service uses.

    Args:
        beer: Cleaned recipe.
        nameless: Whether to take no hop's variety as known: each has the assumed alpha acid.

    Returns:
        Values of `HOP_INPUTS` and `GRIST_INPUTS`.
    """
    hops = [entry for entry in entries(beer) if entry.kind != "other"]
    additions = [(entry._replace(alpha=ASSUMED_ALPHA) if nameless else entry).addition for entry in hops]
    return recipe_columns(additions, volume(beer), grist(beer) or None, yeast(beer))


def bill_key(beer: Recipe) -> tuple[Hashable, ...]:
    """Return what identifies a hop bill: variety, weight per litre and time of each addition, in any order.

    Args:
        beer: Recipe from the source.

    Returns:
        Equal for equal bills; empty if the recipe lists no hops.
    """
    litres = volume(beer)
    keys: list[Hashable] = []
    for entry in entries(beer):
        if entry.kind != "other":
            variety = find(entry.name)
            keys.append(
                (variety.name if variety else normalise(entry.name), entry.grams / litres, entry.addition.minutes)
            )
    return tuple(sorted(keys))  # type: ignore[type-var]


def bill_rules() -> tuple[Rule, ...]:
    """Return the cleaning rules for hop bills, in order; their descriptions list the names that they found."""
    return (
        Rule("no_hop_bill", "no list of hops", lambda frame: ~frame["beer"].map(has_bill).astype(bool)),
        Rule(
            "volume_unknown",
            f"no volume in litres: {DEFAULT_BATCH_L:g} l are assumed",
            lambda frame: frame["beer"].map(lambda beer: stated_volume(beer) is None),
            _keep,
        ),
        Rule(
            "malt_decimal_point",
            f"a malt of more than {MAX_MALT_KG_PER_LITRE:g} kg/l lost its decimal point: divided by 100",
            _any_heavy,
            _lighten,
        ),
        _entry_rule(
            "not_a_hop",
            "what stands among the hops and is none (wood, spices, fruit, sugar), or has no weight, is left out",
            lambda entry: entry.name if entry.kind == "other" else None,
        ),
        _entry_rule(
            "hop_unknown",
            f"a hop neither in the table nor with its alpha acids: {ASSUMED_ALPHA:g} % are assumed",
            lambda entry: entry.name if entry.kind == "unknown" else None,
        ),
        _entry_rule(
            "time_unknown",
            f"a time that the table does not know is taken as '{ASSUMED}'",
            lambda entry: entry.text if entry.kind != "other" and entry.time is None else None,
        ),
    )


def _entry_rule(name: str, description: str, text_of: Callable[[Entry], str | None]) -> Rule:
    """Make a rule that lists entries with a fault; it changes no row, because `entries` already handles the fault.

    Args:
        name: Name of the rule.
        description: Its description.
        text_of: Returns the text to list for an entry with the fault, None for any other entry.
    """

    def texts(beer: Recipe) -> list[str]:
        return [text for entry in entries(beer) if (text := text_of(entry)) is not None]

    def details(frame: pd.DataFrame, found: Mask) -> str:
        counts = Counter(text for beer in frame.loc[found, "beer"] for text in texts(beer)).most_common()
        shown = [f"{text} {count}" for text, count in counts[:NAMES_SHOWN]]
        more = [f"{len(counts) - NAMES_SHOWN} other names"] if len(counts) > NAMES_SHOWN else []
        return f"{sum(count for _, count in counts)} entries: {', '.join(shown + more)}"

    return Rule(name, description, lambda frame: frame["beer"].map(lambda beer: bool(texts(beer))), _keep, details)


def _keep(frame: pd.DataFrame, found: Mask) -> None:
    """Change nothing; `entries` handles the fault."""


def _any_heavy(frame: pd.DataFrame) -> Mask:
    return frame["beer"].map(lambda beer: bool(heavy_malts(beer)))


def _lighten(frame: pd.DataFrame, found: Mask) -> None:
    frame.loc[found, "beer"] = frame.loc[found, "beer"].map(lightened)
