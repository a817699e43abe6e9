"""Reads BeerJSON 1.0 (github.com/beerjson/beerjson), with every unit of its schema.

`app.domains.beer.recipe_files.beerjson_timing` reads the timing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.domains.beer.hop_forms import HopForm
from app.domains.beer.recipe_files.beerjson_timing import Timing
from app.domains.beer.recipe_files.beerjson_units import (
    BITTERNESS,
    GRAMS,
    LITRES,
    LOVIBOND,
    PERCENT,
    PH,
    amount,
    gravity,
    unit_of,
)
from app.domains.beer.recipe_files.draft import Draft
from app.domains.beer.recipe_files.extract import SUCROSE_PPG, Fermentable
from app.domains.beer.recipe_files.json_items import items_of, object_of, text_of
from app.domains.beer.recipe_files.reading import (
    NoBeer,
    Notes,
    ReadRecipe,
    RecipeFileError,
    check_count,
    unreadable,
)
from app.domains.beer.units import EBC_PER_SRM

RECIPES = "/beerjson/recipes"
"""Path of the list of recipes."""
MIN_POINTS = 900.0
"""A potential from here on, where a specific gravity belongs, is in points."""
_FORMS = {
    "pellet": HopForm.PELLET,
    "leaf": HopForm.CONE,
    "plug": HopForm.CONE,
    "extract": HopForm.EXTRACT,
    "powder": HopForm.CRYO,
}
"""Forms of hops; a plug is of pressed cones, and a powder of lupulin."""
_WHOLE = frozenset({"dry extract", "extract", "sugar", "juice", "honey"})
"""Types of fermentables that dissolve whole."""
_NO_BEERS = frozenset({"cider", "kombucha", "soda", "mead", "wine"})
"""Types of recipes that are no beer."""
_HOP_PATHS = {
    "name": "/name",
    "amount_g": "/amount",
    "alpha_acid": "/alpha_acid",
    "boil_minutes": "/timing",
    "stand_minutes": "/timing",
    "temperature_c": "/timing/step",
}
"""Where an addition states the fields of a hop."""


def is_beerjson(document: object) -> bool:
    """Return whether a parsed JSON document is BeerJSON."""
    return isinstance(document, Mapping) and isinstance(document.get("beerjson"), Mapping)


def recipes_of(document: Mapping[str, Any], limit: int) -> Sequence[Any]:
    """Return the recipes of a document.

    Args:
        document: The document.
        limit: Maximum number of recipes.

    Raises:
        RecipeFileError: If there are none, or too many.
    """
    recipes = document["beerjson"].get("recipes")
    if not isinstance(recipes, list):
        raise RecipeFileError("no_recipes", RECIPES, "contains no recipe")
    check_count(recipes, limit, RECIPES)
    return recipes


def read(recipe: object, path: str) -> ReadRecipe:
    """Read one recipe.

    Args:
        recipe: The recipe, as parsed from JSON.
        path: Its path in the document.
    """
    notes = Notes(path)
    if not isinstance(recipe, Mapping):
        return unreadable(None, notes, NoBeer("", "not_an_object", "Is not an object."))
    draft = Draft(notes, name=text_of(recipe, "name"), hop_paths=_HOP_PATHS)
    return draft.filled(_Reader(recipe, draft).read)


class _Reader:
    """Reads one recipe into a draft."""

    def __init__(self, recipe: Mapping[str, Any], draft: Draft) -> None:
        self._recipe = recipe
        self._draft = draft
        self._boil = object_of(recipe, "boil")
        self._timing = Timing(self._boil, draft.notes)

    def read(self) -> None:
        recipe, draft = self._recipe, self._draft
        if (kind := text_of(recipe, "type").lower()) in _NO_BEERS:
            raise NoBeer("/type", "not_a_beer", f"Is {kind}, not beer.")
        draft.set("batch_volume_l", self._amount(recipe, "batch_size", LITRES, ""), "/batch_size")
        draft.set("boil_volume_l", self._amount(self._boil, "pre_boil_size", LITRES, "/boil"), "/boil/pre_boil_size")
        for field, key in (("target_og", "original_gravity"), ("target_fg", "final_gravity")):
            draft.set(field, self._gravity(recipe, key), f"/{key}")
        draft.set("abv", self._amount(recipe, "alcohol_by_volume", PERCENT, ""), "/alcohol_by_volume")
        draft.set("ph", self._amount(recipe, "beer_pH", PH, ""), "/beer_pH")
        draft.set(
            "style", draft.plain(text_of(object_of(recipe, "style"), "name"), "/style/name") or None, "/style/name"
        )
        draft.stated_ibu = amount(object_of(recipe, "ibu_estimate").get("value"), BITTERNESS)
        self._colour()
        efficiency = object_of(recipe, "efficiency")
        draft.efficiency = self._percent(efficiency, "brewhouse", "/efficiency")
        draft.attenuation = self._percent(recipe, "apparent_attenuation", "")
        base, ingredients = "/ingredients", object_of(recipe, "ingredients")
        draft.places |= {"hops": f"{base}/hop_additions", "malts": f"{base}/fermentable_additions"}
        draft.places |= {"yeast": f"{base}/culture_additions", "efficiency": "/efficiency/brewhouse"}
        for path, item in items_of(ingredients, "fermentable_additions", base):
            self._fermentable(item, path)
        for path, item in items_of(ingredients, "culture_additions", base):
            laboratory = text_of(item, "producer") or text_of(item, "laboratory")
            attenuation = self._percent(item, "attenuation", path)
            draft.add_culture(text_of(item, "name"), laboratory, text_of(item, "product_id"), attenuation)
        for path, item in items_of(ingredients, "hop_additions", base):
            self._hop(item, path)

    def _amount(self, item: Mapping[str, Any], key: str, units: Mapping[str, float], base: str) -> float | None:
        """Read a quantity; None if it is not stated. What cannot be read is noted."""
        value = amount(item.get(key), units)
        if value is None and item.get(key) is not None:
            text = "Has no number, or a unit that BeerJSON does not have here, and is left out."
            self._draft.notes.add(f"{base}/{key}", "unreadable", text)
        return value

    def _percent(self, item: Mapping[str, Any], key: str, base: str) -> float | None:
        return self._draft.percent(self._amount(item, key, PERCENT, base), f"{base}/{key}")

    def _gravity(self, item: Mapping[str, Any], key: str) -> float | None:
        value = gravity(item.get(key))
        if value is None and item.get(key) is not None:
            self._draft.notes.add(f"/{key}", "unreadable", "Is no gravity that can be read, and is left out.")
        return value

    def _colour(self) -> None:
        colour = self._recipe.get("color_estimate")
        srm = self._amount(self._recipe, "color_estimate", LOVIBOND, "")
        if srm is not None and unit_of(colour) == "ebc":
            self._draft.set("ebc", round(srm * EBC_PER_SRM, 6), "/color_estimate")
        else:
            self._draft.set("srm", srm, "/color_estimate")

    def _fermentable(self, item: Mapping[str, Any], path: str) -> None:
        kilograms = self._weight(item, path) / 1000.0
        if kilograms < 0:
            kilograms = 0.0
            self._draft.notes.add(f"{path}/amount", "weight_unreadable", "Has a negative weight: 0 is taken.")
        self._draft.fermentables.append(
            Fermentable(
                path=path,
                name=text_of(item, "name"),
                kilograms=kilograms,
                yield_percent=self._yield(object_of(item, "yield"), f"{path}/yield"),
                lovibond=self._amount(item, "color", LOVIBOND, path),
                is_mashed=text_of(item, "type").lower() not in _WHOLE,
            )
        )

    def _weight(self, item: Mapping[str, Any], path: str) -> float:
        """Read the weight of an addition, g; a volume is taken for that of water."""
        quantity = item.get("amount")
        grams = amount(quantity, GRAMS)
        if grams is None and (litres := amount(quantity, LITRES)) is not None:
            grams = litres * 1000.0
            self._draft.notes.add(f"{path}/amount", "volume_as_weight", "Is a volume: 1 g per ml is taken.")
        if grams is None:
            raise NoBeer(f"{path}/amount", "missing", "The amount of an addition is not stated in a known unit.")
        return grams

    def _yield(self, item: Mapping[str, Any], path: str) -> float | None:
        """Read an extract, percent of that of sucrose; None if it is not stated."""
        if potential := gravity(item.get("potential")):
            if potential / 1000.0 >= MIN_POINTS:
                text = "Is in points, where a specific gravity belongs, and taken so."
                self._draft.notes.add(f"{path}/potential", "points", text)
                potential /= 1000.0
            return (potential - 1000.0) / SUCROSE_PPG * 100.0
        if (fine := self._percent(item, "fine_grind", path)) is not None:
            return fine
        if (coarse := self._percent(item, "coarse_grind", path)) is None:
            return None
        return coarse + (self._amount(item, "fine_coarse_difference", PERCENT, path) or 0.0)

    def _hop(self, item: Mapping[str, Any], path: str) -> None:
        grams = self._weight(item, path)
        alpha = self._amount(item, "alpha_acid", PERCENT, path)
        when = self._timing.of(object_of(item, "timing"), f"{path}/timing")
        form = text_of(item, "form").lower()
        if form == "leaf (wet)":
            text = "Are fresh hops: their alpha acid is taken as that of their weight."
            self._draft.notes.add(f"{path}/form", "wet_hops", text)
        elif form in _FORMS:
            when["form"] = _FORMS[form].value
        self._draft.add_hop(path, text_of(item, "name"), grams, alpha, when)
