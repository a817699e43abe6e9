"""A recipe's ingredients as the data has them, to hop bill and grist; what cannot be read is counted by rules."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from app.domains.beer.hop_bill import Addition, Stage
from app.domains.beer.recipe import ASSUMED_ALPHA, recipe_columns
from app.domains.beer.schema import DEFAULT_BATCH_L
from app.domains.beer.varieties import find
from training.beer.stages import ASSUMED, alpha_of, time_of
from training.cleaning import Mask, Rule
from training.sources import Recipe

MOST_MALT_KG_PER_LITRE = 2.5
"""No mash tun holds more: a weight above it lost its decimal point."""
NAMES_SHOWN = 12

_NO_HOP = re.compile(
    r"oak|wood|chips|cedar|barrel|whisky|bourbon|rum\b|coffee|cacao|cacoa|cocoa|cascara|chocolate|vanilla|tonka|tea\b"
    r"|sugar|muscovado|muscavado|demerara|honey|syrup|molasses|treacle|lactose|dextrose|marshmallow|candi|agave|maple"
    r"|pepper|coriander|ginger|cardamon|cardamom|cinnamon|clove|nutmeg|anis|juniper|elderflower|hibiscus|lavender"
    r"|rosemary|thyme|bay lea|heather|chamomile|camomile|chil+i|habanero|jalape|ancho|allspice|turmeric|liquorice"
    r"|orange|lemon|\blime|grapefruit|yuzu|tangerine|mandarin|citrus|peel|zest|fruit|berry|berries|currant|cherry"
    r"|cherries|peach|apricot|plum|apple|pear\b|mango|guava|papaya|passion|rhubarb|raisin|fig\b|date\b|pumpkin"
    r"|coconut|almond|hazelnut|pecan|peanut|walnut|puree|juice|concentrate|powder|husk|oats?\b|malt|barley|wheat|rye\b"
    r"|salt|sodium|calcium|gypsum|magnesium|acid\b|yeast|nutrient|lactobacillus|brett|nibs|bean|(?<!hop )extract\b",
    re.IGNORECASE,
)
"""Words of what stands among the hops and is none: wood, spices, fruit, sugars. Asked only of names that the table of
varieties does not have."""


class Entry(NamedTuple):
    """One entry of a recipe's list of hops."""

    name: str
    kind: str
    """``hop``, ``unknown`` (neither in the table nor with its alpha acids) or ``other`` (no hop)."""
    grams: float
    alpha: float
    time: Stage | float | None
    text: str
    """When it goes in, as the recipe says."""

    @property
    def addition(self) -> Addition:
        """The addition, at the assumed stage where the table does not know the text."""
        if isinstance(self.time, float):
            return Addition.at_minutes(self.grams, self.alpha, self.time)
        return Addition.at_stage(self.grams, self.alpha, self.time or ASSUMED)


def entries(beer: Recipe) -> Iterator[Entry]:
    """A recipe's list of hops, read; what is no object or weighs nothing that can be read is ``other``.

    Args:
        beer: As the source gives it.
    """
    for given in _list(beer, "hops"):
        name = str(given.get("name") or "").strip()
        variety, told, grams = find(name), alpha_of(given.get("attribute")), _amount(given, _GRAMS)
        kind = "hop" if variety or told is not None else "other" if _NO_HOP.search(name) else "unknown"
        alpha = told if told is not None else variety.alpha_typical if variety else ASSUMED_ALPHA
        yield Entry(
            name,
            "other" if grams is None or not name else kind,
            grams or 0.0,
            alpha,
            time_of(given.get("add")),
            str(given.get("add")),
        )


def recipe_row(beer: Recipe) -> tuple[float, ...]:
    """The columns of hop bill and grist, by the service's own functions.

    Args:
        beer: Cleaned.

    Returns:
        Values of `HOP_INPUTS` and `GRIST_INPUTS`.
    """
    additions = [entry.addition for entry in entries(beer) if entry.kind != "other"]
    malts = [(str(malt.get("name")), _amount(malt, _KILOGRAMS) or 0.0) for malt in _list(beer, "malt")]
    yeast = _ingredients(beer).get("yeast")
    return recipe_columns(
        additions,
        _litres(beer) or DEFAULT_BATCH_L,
        malts or None,
        yeast if isinstance(yeast, str) else None,
    )


def has_bill(beer: Recipe) -> bool:
    """Whether the recipe lists its hops; an empty list beside an empty grist says that nothing was written down."""
    given = _ingredients(beer)
    return isinstance(given.get("hops"), list) and bool(given["hops"] or given.get("malt"))


def bill_rules() -> tuple[Rule, ...]:
    """What is done about hop bills, in order, each rule with the names it met."""
    return (
        Rule("no_hop_bill", "no list of hops", lambda frame: ~frame["beer"].map(has_bill).astype(bool)),
        Rule(
            "volume_unknown",
            f"no volume in litres: {DEFAULT_BATCH_L:g} l are assumed",
            lambda frame: frame["beer"].map(lambda beer: _litres(beer) is None),
            _as_it_is,
        ),
        Rule(
            "malt_decimal_point",
            f"a malt of more than {MOST_MALT_KG_PER_LITRE:g} kg/l lost its decimal point: divided by 100",
            _any_heavy,
            _lighten,
        ),
        _told(
            "not_a_hop",
            "what stands among the hops and is none (wood, spices, fruit, sugar), or has no weight, is left out",
            lambda entry: entry.name if entry.kind == "other" else None,
        ),
        _told(
            "hop_unknown",
            f"a hop neither in the table nor with its alpha acids: {ASSUMED_ALPHA:g} % are assumed",
            lambda entry: entry.name if entry.kind == "unknown" else None,
        ),
        _told(
            "time_unknown",
            f"a time that the table does not know is taken as '{ASSUMED}'",
            lambda entry: entry.text if entry.kind != "other" and entry.time is None else None,
        ),
    )


def _told(name: str, description: str, word: Callable[[Entry], str | None]) -> Rule:
    """A rule about entries, that lists what it found; the rows are read that way anyway, so it changes nothing."""

    def words(beer: Recipe) -> list[str]:
        return [found for entry in entries(beer) if (found := word(entry)) is not None]

    def details(frame: pd.DataFrame, found: Mask) -> str:
        counted = Counter(each for beer in frame.loc[found, "beer"] for each in words(beer)).most_common()
        shown = [f"{each} {times}" for each, times in counted[:NAMES_SHOWN]]
        more = [f"{len(counted) - NAMES_SHOWN} other names"] if len(counted) > NAMES_SHOWN else []
        return f"{sum(times for _, times in counted)} entries: {', '.join(shown + more)}"

    return Rule(name, description, lambda frame: frame["beer"].map(lambda beer: bool(words(beer))), _as_it_is, details)


def _as_it_is(frame: pd.DataFrame, found: Mask) -> None:
    """Nothing to mend here: reading the bill does it."""


def _any_heavy(frame: pd.DataFrame) -> Mask:
    return frame["beer"].map(lambda beer: any(map(_heavy(beer), _list(beer, "malt"))))


def _heavy(beer: Recipe) -> Callable[[dict[str, Any]], bool]:
    most = MOST_MALT_KG_PER_LITRE * (_litres(beer) or DEFAULT_BATCH_L)
    return lambda malt: (_amount(malt, _KILOGRAMS) or 0.0) > most


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


def _amount(given: dict[str, Any], units: dict[str, float]) -> float | None:
    amount = given.get("amount")
    if not isinstance(amount, dict):
        return None
    factor, value = units.get(str(amount.get("unit")).lower()), _number(amount.get("value"))
    return None if factor is None or value is None or value < 0 else value * factor


def _litres(beer: Recipe) -> float | None:
    volume = beer.get("volume")
    if not isinstance(volume, dict) or str(volume.get("unit")).lower() not in ("litres", "liters", "l"):
        return None
    value = _number(volume.get("value"))
    return value if value and value > 0 else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") and not isinstance(value, bool) else None


def _ingredients(beer: Recipe) -> dict[str, Any]:
    given = beer.get("ingredients")
    return given if isinstance(given, dict) else {}


def _list(beer: Recipe, name: str) -> list[dict[str, Any]]:
    given = _ingredients(beer).get(name)
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
