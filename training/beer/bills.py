"""Reads hop bill and grist from a recipe's ingredients; cleaning rules count entries that cannot be read."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from app.domains.beer.hop_bill import Addition
from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.recipe import ASSUMED_ALPHA, recipe_columns
from app.domains.beer.schema import DEFAULT_BATCH_L
from app.domains.beer.stages import Stage
from app.domains.beer.varieties import find, normalise
from training.beer.stages import ASSUMED, alpha_of, time_of
from training.cleaning import Mask, Rule
from training.figures import number
from training.sources import Recipe

MAX_MALT_KG_PER_LITRE = 2.5
"""Maximum weight of one malt per litre of beer: a larger weight has lost its decimal point."""
NAMES_SHOWN = 12
"""Names that the description of a rule lists."""


class Entry(NamedTuple):
    """One entry of a recipe's list of hops.

    Attributes:
        name: Name of the ingredient.
        kind: ``hop``, ``unknown`` (not in the table of varieties and without alpha acid) or ``other`` (not a hop).
        grams: Weight, g.
        alpha: Alpha acid, %; typical or assumed if the recipe states none.
        stated_alpha: Alpha acid that the recipe states, %; None if it states none.
        time: Stage, or boil time in minutes; None if the text is not understood.
        text: Time of addition as the recipe states it.
    """

    name: str
    kind: str
    grams: float
    alpha: float
    stated_alpha: float | None
    time: Stage | float | None
    text: str

    @property
    def addition(self) -> Addition:
        """The addition; at the assumed stage if the text is not understood."""
        if isinstance(self.time, float):
            return Addition.at_minutes(self.grams, self.alpha, self.time)
        return Addition.at_stage(self.grams, self.alpha, self.time or ASSUMED)


def entries(beer: Recipe) -> Iterator[Entry]:
    """Read a recipe's list of hops. An entry without a readable name or weight is ``other``.

    Args:
        beer: Recipe from the source.
    """
    for hop in _list(beer, "hops"):
        name = str(hop.get("name") or "").strip()
        variety, stated, grams = find(name), alpha_of(hop.get("attribute")), _amount(hop, _GRAMS)
        kind = "hop" if variety or stated is not None else "other" if is_no_hop(name, stated) else "unknown"
        alpha = stated if stated is not None else variety.alpha_typical if variety else ASSUMED_ALPHA
        yield Entry(
            name,
            "other" if grams is None or not name else kind,
            grams or 0.0,
            alpha,
            stated,
            time_of(hop.get("add")),
            str(hop.get("add")),
        )


def grist(beer: Recipe) -> list[tuple[str, float]]:
    """Read a recipe's malts: name and weight, kg, which is 0 where it cannot be read."""
    return [(str(malt.get("name")), _amount(malt, _KILOGRAMS) or 0.0) for malt in _list(beer, "malt")]


def yeast(beer: Recipe) -> str | None:
    """Read the name of the yeast; None if there is none."""
    name = _ingredients(beer).get("yeast")
    return name if isinstance(name, str) else None


def volume(beer: Recipe) -> float:
    """Read the volume after the boil, l; the usual one where the recipe states none."""
    return _litres(beer) or DEFAULT_BATCH_L


def recipe_row(beer: Recipe) -> tuple[float, ...]:
    """Make the inputs of hop bill and grist, with the functions that the service uses.

    Args:
        beer: Cleaned recipe.

    Returns:
        Values of `HOP_INPUTS` and `GRIST_INPUTS`.
    """
    additions = [entry.addition for entry in entries(beer) if entry.kind != "other"]
    return recipe_columns(additions, volume(beer), grist(beer) or None, yeast(beer))


def bill_key(beer: Recipe) -> tuple[Hashable, ...]:
    """Return what identifies a hop bill: variety, weight per litre and time of each addition, in any order.

    Args:
        beer: Recipe from the source.

    Returns:
        Equal for equal bills; empty if the recipe lists no hops.
    """
    litres = _litres(beer) or DEFAULT_BATCH_L
    keys: list[Hashable] = []
    for entry in entries(beer):
        if entry.kind != "other":
            variety = find(entry.name)
            keys.append(
                (variety.name if variety else normalise(entry.name), entry.grams / litres, entry.addition.minutes)
            )
    return tuple(sorted(keys))  # type: ignore[type-var]


def has_bill(beer: Recipe) -> bool:
    """Whether the recipe lists its hops. If hops and malts are both empty, the ingredients were not recorded."""
    ingredients = _ingredients(beer)
    return isinstance(ingredients.get("hops"), list) and bool(ingredients["hops"] or ingredients.get("malt"))


def bill_rules() -> tuple[Rule, ...]:
    """Return the cleaning rules for hop bills, in order; their descriptions list the names that they found."""
    return (
        Rule("no_hop_bill", "no list of hops", lambda frame: ~frame["beer"].map(has_bill).astype(bool)),
        Rule(
            "volume_unknown",
            f"no volume in litres: {DEFAULT_BATCH_L:g} l are assumed",
            lambda frame: frame["beer"].map(lambda beer: _litres(beer) is None),
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
    return frame["beer"].map(lambda beer: any(map(_heavy(beer), _list(beer, "malt"))))


def _heavy(beer: Recipe) -> Callable[[dict[str, Any]], bool]:
    limit = MAX_MALT_KG_PER_LITRE * volume(beer)
    return lambda malt: (_amount(malt, _KILOGRAMS) or 0.0) > limit


def _lighten(frame: pd.DataFrame, found: Mask) -> None:
    def lighter(beer: Recipe) -> Recipe:
        heavy = _heavy(beer)
        malts = [
            {**malt, "amount": {**malt["amount"], "value": float(malt["amount"]["value"]) / 100}}
            if heavy(malt)
            else malt
            for malt in _list(beer, "malt")
        ]
        return {**beer, "ingredients": {**_ingredients(beer), "malt": malts}}

    frame.loc[found, "beer"] = frame.loc[found, "beer"].map(lighter)


_GRAMS = {"grams": 1.0, "g": 1.0, "ml": 1.0, "kilograms": 1000.0, "kg": 1000.0}
_KILOGRAMS = {"kilograms": 1.0, "kg": 1.0, "grams": 0.001, "g": 0.001}


def _amount(ingredient: dict[str, Any], units: dict[str, float]) -> float | None:
    amount = ingredient.get("amount")
    if not isinstance(amount, dict):
        return None
    factor, value = units.get(str(amount.get("unit")).lower()), number(amount.get("value"))
    return None if factor is None or value is None or value < 0 else value * factor


def _litres(beer: Recipe) -> float | None:
    volume = beer.get("volume")
    if not isinstance(volume, dict) or str(volume.get("unit")).lower() not in ("litres", "liters", "l"):
        return None
    value = number(volume.get("value"))
    return value if value and value > 0 else None


def _ingredients(beer: Recipe) -> dict[str, Any]:
    ingredients = beer.get("ingredients")
    return ingredients if isinstance(ingredients, dict) else {}


def _list(beer: Recipe, name: str) -> list[dict[str, Any]]:
    items = _ingredients(beer).get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
