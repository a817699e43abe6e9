"""Reads a recipe in the Punk API's shape. Serving and training use this one reader, so they cannot differ.

A request states what the recipe states: other units are converted, and what only the data set got wrong is mended. All
else (alpha acids, malts, yeast, colours, pH, what is no hop) is left to the service, which treats it as training does.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.domains.beer.hop_bill import Addition
from app.domains.beer.inputs import FG, OG, VITAL_INPUTS, names
from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.recipe import ASSUMED_ALPHA
from app.domains.beer.recipe_files.accepted import accepted
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.recipe_files.punk_text import ASSUMED, alpha_of, time_of
from app.domains.beer.recipe_files.reading import NoBeer, Notes, ReadRecipe, name_of, unreadable
from app.domains.beer.schema import DEFAULT_BATCH_L, MAX_ADDITIONS
from app.domains.beer.stages import Stage
from app.domains.beer.varieties import find

Document = Mapping[str, Any]
"""A recipe in the Punk API's shape: every field may be missing and no value is checked."""

MAX_MALT_KG_PER_LITRE = 2.5
"""Maximum weight of one malt per litre of beer: a larger weight has lost its decimal point."""
_GRAMS = {"grams": 1.0, "g": 1.0, "ml": 1.0, "kilograms": 1000.0, "kg": 1000.0}
_KILOGRAMS = {"kilograms": 1.0, "kg": 1.0, "grams": 0.001, "g": 0.001}
_HOP_PATHS = {"name": "/name", "amount_g": "/amount", "alpha_acid": "/attribute", "boil_minutes": "/add"}
"""Where an entry states the fields of a hop."""
_LITRES = ("litres", "liters", "l")


class Entry(NamedTuple):
    """One entry of a recipe's list of hops.

    Attributes:
        place: Position in the list, from 0.
        name: Name of the ingredient.
        kind: ``hop``, ``unknown`` (not in the table of varieties and without alpha acid) or ``other`` (not a hop).
        grams: Weight, g.
        alpha: Alpha acid, %; typical or assumed if the recipe states none.
        stated_alpha: Alpha acid that the recipe states, %; None if it states none.
        time: Stage, or boil time in minutes; None if the text is not understood.
        text: Time of addition as the recipe states it.
    """

    place: int
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

    @property
    def is_stated(self) -> bool:
        """Whether a request states the entry: it has a name, and a weight or what makes it a hop."""
        return bool(self.name) and (self.kind != "other" or bool(self.grams))


def entries(beer: Document) -> Iterator[Entry]:
    """Read a recipe's list of hops. An entry without a readable name or weight is ``other``.

    Args:
        beer: The recipe.
    """
    for place, hop in _list(beer, "hops"):
        name = str(hop.get("name") or "").strip()
        variety, stated, grams = find(name), alpha_of(hop.get("attribute")), _amount(hop, _GRAMS)
        kind = "hop" if variety or stated is not None else "other" if is_no_hop(name, stated) else "unknown"
        alpha = stated if stated is not None else variety.alpha_typical if variety else ASSUMED_ALPHA
        yield Entry(
            place,
            name,
            "other" if grams is None or not name else kind,
            grams or 0.0,
            alpha,
            stated,
            time_of(hop.get("add")),
            str(hop.get("add")),
        )


def grist(beer: Document) -> list[tuple[str, float]]:
    """Read a recipe's malts: name and weight, kg, which is 0 where it cannot be read."""
    return [(str(malt.get("name")), _amount(malt, _KILOGRAMS) or 0.0) for _, malt in _list(beer, "malt")]


def yeast(beer: Document) -> str | None:
    """Read the name of the yeast; None if there is none."""
    name = _ingredients(beer).get("yeast")
    return name if isinstance(name, str) else None


def stated_volume(beer: Document) -> float | None:
    """Read the volume after the boil, l; None where the recipe states none in litres."""
    volume = beer.get("volume")
    if not isinstance(volume, Mapping) or str(volume.get("unit")).lower() not in _LITRES:
        return None
    value = number(volume.get("value"))
    return value if value and value > 0 else None


def volume(beer: Document) -> float:
    """Read the volume after the boil, l; the usual one where the recipe states none."""
    return stated_volume(beer) or DEFAULT_BATCH_L


def has_bill(beer: Document) -> bool:
    """Whether the recipe lists its hops. If hops and malts are both empty, the ingredients were not recorded."""
    ingredients = _ingredients(beer)
    return isinstance(ingredients.get("hops"), list) and bool(ingredients["hops"] or ingredients.get("malt"))


def heavy_malts(beer: Document) -> list[int]:
    """Positions of the malts that weigh more than `MAX_MALT_KG_PER_LITRE`."""
    limit = MAX_MALT_KG_PER_LITRE * volume(beer)
    return [place for place, malt in _list(beer, "malt") if (_amount(malt, _KILOGRAMS) or 0.0) > limit]


def lightened(beer: Document) -> dict[str, Any]:
    """Return a recipe with the decimal point of its heavy malts put back: their weight is divided by 100."""
    heavy = set(heavy_malts(beer))
    malts = [
        {**malt, "amount": {**malt["amount"], "value": float(malt["amount"]["value"]) / 100}}
        if place in heavy
        else malt
        for place, malt in _list(beer, "malt")
    ]
    return {**beer, "ingredients": {**_ingredients(beer), "malt": malts}}


def request_of(beer: Document) -> dict[str, Any]:
    """Return the body of `POST /predict` for a recipe.

    Args:
        beer: Recipe, as it is.

    Returns:
        The request. Gravities that are exchanged and a malt's lost decimal point are mended, for the service rejects
        the one and cannot know the other. An addition whose time is not understood is at the stage that training
        assumes; an entry without a readable weight is left out.
    """
    if heavy_malts(beer):
        beer = lightened(beer)
    figures = {name: number(beer.get(name)) for name in names(VITAL_INPUTS)}
    request: dict[str, Any] = {name: value for name, value in figures.items() if value is not None}
    if _are_exchanged(request):
        request[OG.name], request[FG.name] = request[FG.name], request[OG.name]
    if has_bill(beer):
        request["batch_volume_l"] = volume(beer)
        request["hops"] = [_hop(entry) for entry in entries(beer) if entry.is_stated]
        malts = [{"name": name, "amount_kg": weight} for name, weight in grist(beer)]
        request |= {name: value for name, value in (("malts", malts or None), ("yeast", yeast(beer))) if value}
    return request


def is_recipe(document: object) -> bool:
    """Return whether a parsed JSON document looks like a recipe in the Punk API's shape."""
    return isinstance(document, Mapping) and ("ingredients" in document or OG.name in document)


def read(beer: object, path: str) -> ReadRecipe:
    """Read one recipe of a document.

    Args:
        beer: The recipe, as parsed from JSON.
        path: Its path in the document.
    """
    notes = Notes(path)
    if not isinstance(beer, Mapping):
        return unreadable(None, notes, NoBeer("", "not_an_object", "is not an object"))
    name, stated_ibu = name_of(beer.get("name")), number(beer.get("ibu"))
    for key in ("hops", "malt"):
        listed = _ingredients(beer).get(key)
        if isinstance(listed, list) and len(listed) > MAX_ADDITIONS:
            too_many = NoBeer(f"/ingredients/{key}", "too_many", f"Has more than {MAX_ADDITIONS} entries.")
            return unreadable(name, notes, too_many, stated_ibu)
    request = request_of(beer)
    _note(beer, notes)
    hops = [f"/ingredients/hops/{entry.place}" for entry in entries(beer) if entry.is_stated]
    malts = [f"/ingredients/malt/{place}" for place, _ in _list(beer, "malt")]
    places = {"batch_volume_l": "/volume", "hops": "/ingredients/hops", "malts": "/ingredients/malt"}
    places |= {"yeast": "/ingredients/yeast"}
    for index, place in enumerate(hops):
        places |= {f"hops.{index}": place}
        places |= {f"hops.{index}.{name}": place + path for name, path in _HOP_PATHS.items()}
    places |= {f"malts.{index}": place for index, place in enumerate(malts)}
    return accepted(name, request, notes, places, stated_ibu)


def _note(beer: Document, notes: Notes) -> None:
    """Note what `request_of` mends, leaves out and assumes."""
    figures = {name: number(beer.get(name)) for name in names(VITAL_INPUTS)}
    for name, value in figures.items():
        if value is None and beer.get(name) not in (None, ""):
            notes.add(f"/{name}", "not_a_number", "Is no finite number and is left out.")
    if _are_exchanged({name: value for name, value in figures.items() if value is not None}):
        notes.add(f"/{OG.name}", "gravities_exchanged", "Is below the final gravity: the two are exchanged.")
    if not has_bill(beer):
        notes.add("/ingredients", "no_hop_bill", "Lists no hops: the vital figures alone predict.")
        return
    if stated_volume(beer) is None:
        notes.add("/volume", "volume_assumed", f"States no volume in litres: {DEFAULT_BATCH_L:g} l are assumed.")
    for place in heavy_malts(beer):
        text = f"Weighs more than {MAX_MALT_KG_PER_LITRE:g} kg per litre of beer: its weight is divided by 100."
        notes.add(f"/ingredients/malt/{place}/amount", "malt_decimal_point", text)
    for place, malt in _list(beer, "malt"):
        if _amount(malt, _KILOGRAMS) is None:
            notes.add(f"/ingredients/malt/{place}/amount", "weight_unreadable", "Has no readable weight: 0 is taken.")
    for entry in entries(beer):
        path = f"/ingredients/hops/{entry.place}"
        if not entry.is_stated:
            notes.add(path, "left_out", "Has no name or no readable weight and is left out.")
        elif entry.time is None:
            notes.add(f"{path}/add", "time_unknown", f"Is no time that is known: the stage {ASSUMED} is assumed.")


def _lighter(malt: dict[str, Any]) -> dict[str, Any]:
    return {**malt, "amount": {**malt["amount"], "value": float(malt["amount"]["value"]) / 100}}


def _hop(entry: Entry) -> dict[str, Any]:
    stated = {} if entry.stated_alpha is None else {"alpha_acid": entry.stated_alpha}
    time = ASSUMED if entry.time is None else entry.time
    when = {"boil_minutes": time} if isinstance(time, float) else {"stage": time.value}
    return {"name": entry.name, "amount_g": entry.grams, **stated, **when}


def _are_exchanged(figures: Mapping[str, float]) -> bool:
    return figures.get(OG.name, math.inf) < figures.get(FG.name, -math.inf)


def _amount(ingredient: Mapping[str, Any], units: Mapping[str, float]) -> float | None:
    amount = ingredient.get("amount")
    if not isinstance(amount, Mapping):
        return None
    factor, value = units.get(str(amount.get("unit")).lower()), number(amount.get("value"))
    return None if factor is None or value is None or value < 0 else value * factor


def _ingredients(beer: Document) -> dict[str, Any]:
    ingredients = beer.get("ingredients")
    return ingredients if isinstance(ingredients, dict) else {}


def _list(beer: Document, name: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a list of ingredients, with their positions."""
    items = _ingredients(beer).get(name)
    return [(i, item) for i, item in enumerate(items) if isinstance(item, dict)] if isinstance(items, list) else []
