"""Reads a recipe that Brewfather exports as JSON, or a batch with its recipe.

Source of fields and units: docs.brewfather.app/api/types. Weights of malts are in kg, of hops in g, volumes in l, times
in minutes (of dry hops in days), temperatures in degrees Celsius, gravities specific, colours in SRM.
"""

from collections.abc import Mapping
from typing import Any

from app.domains.beer.hop_forms import HopForm
from app.domains.beer.recipe_files.additions import time_by_use
from app.domains.beer.recipe_files.draft import Draft
from app.domains.beer.recipe_files.extract import SUCROSE_PPG, Fermentable
from app.domains.beer.recipe_files.json_items import items_of, object_of, text_of
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.recipe_files.reading import NoBeer, Notes, ReadRecipe
from app.domains.beer.units import POINTS_PER_SG

_HOP_PATHS = {
    "name": "/name",
    "amount_g": "/amount",
    "alpha_acid": "/alpha",
    "boil_minutes": "/time",
    "stand_minutes": "/time",
    "temperature_c": "/temp",
}
"""Where an addition states the fields of a hop."""
_FORMS = {"pellet": HopForm.PELLET, "leaf": HopForm.CONE, "plug": HopForm.CONE, "extract": HopForm.EXTRACT}
_WHOLE = ("sugar", "extract", "honey", "juice")
"""Words in types of fermentables that dissolve whole."""


def is_recipe(document: object) -> bool:
    """Return whether a parsed JSON document looks like a recipe of Brewfather, or a batch."""
    if not isinstance(document, Mapping):
        return False
    recipe = document.get("recipe", document)
    return isinstance(recipe, Mapping) and "fermentables" in recipe and "batchSize" in recipe


def read(document: Mapping[str, Any], path: str) -> ReadRecipe:
    """Read one recipe.

    Args:
        document: The recipe, or a batch, as parsed from JSON.
        path: Its path in the document.
    """
    if isinstance(batch := document.get("recipe"), Mapping):
        document, path = batch, f"{path}/recipe"
    notes = Notes(path)
    draft = Draft(notes, name=text_of(document, "name"), stated_ibu=number(document.get("ibu")), hop_paths=_HOP_PATHS)
    return draft.filled(_Reader(document, draft).read)


class _Reader:
    """Reads one recipe into a draft."""

    def __init__(self, recipe: Mapping[str, Any], draft: Draft) -> None:
        self._recipe = recipe
        self._draft = draft
        self._boil_minutes = self._number(recipe, "boilTime")

    def read(self) -> None:
        recipe, draft = self._recipe, self._draft
        draft.set("batch_volume_l", self._number(recipe, "batchSize"), "/batchSize")
        draft.set("boil_volume_l", self._number(recipe, "boilSize") or None, "/boilSize")
        for field, key in (("target_og", "og"), ("target_fg", "fg")):
            gravity = self._number(recipe, key)
            draft.set(field, round(gravity * POINTS_PER_SG, 6) if gravity else None, f"/{key}")
        draft.set("abv", self._number(recipe, "abv") or None, "/abv")
        draft.set("srm", self._number(recipe, "color") or None, "/color")
        style = draft.plain(text_of(object_of(recipe, "style"), "name"), "/style/name")
        draft.set("style", style or None, "/style/name")
        draft.efficiency = draft.percent(self._number(recipe, "efficiency"), "/efficiency")
        draft.places |= {"hops": "/hops", "malts": "/fermentables", "yeast": "/yeasts", "efficiency": "/efficiency"}
        for path, item in items_of(recipe, "fermentables"):
            self._fermentable(item, path)
        for path, item in items_of(recipe, "yeasts"):
            attenuation = draft.percent(self._number(item, "attenuation", path), f"{path}/attenuation")
            draft.add_culture(
                text_of(item, "name"), text_of(item, "laboratory"), text_of(item, "productId"), attenuation
            )
        for path, item in items_of(recipe, "hops"):
            self._hop(item, path)

    def _number(self, item: Mapping[str, Any], key: str, path: str = "") -> float | None:
        """Read a number; None if it is not stated. What is no number is noted."""
        value = number(item.get(key))
        if value is None and item.get(key) not in (None, ""):
            self._draft.notes.add(f"{path}/{key}", "not_a_number", "Is no number and is left out.")
        return value

    def _fermentable(self, item: Mapping[str, Any], path: str) -> None:
        kilograms = self._number(item, "amount", path)
        if kilograms is None or kilograms < 0:
            kilograms = 0.0
            self._draft.notes.add(f"{path}/amount", "weight_unreadable", "Has no weight: 0 is taken.")
        share = self._draft.percent(self._number(item, "potentialPercentage", path), f"{path}/potentialPercentage")
        if share is None and (potential := self._number(item, "potential", path)):
            share = (potential - 1.0) * POINTS_PER_SG / SUCROSE_PPG * 100.0
        kind = text_of(item, "type").lower()
        self._draft.fermentables.append(
            Fermentable(
                path=path,
                name=text_of(item, "name"),
                kilograms=kilograms,
                yield_percent=share,
                lovibond=self._number(item, "color", path),
                is_mashed=not any(word in kind for word in _WHOLE),
            )
        )

    def _hop(self, item: Mapping[str, Any], path: str) -> None:
        grams = self._number(item, "amount", path)
        if grams is None:
            raise NoBeer(f"{path}/amount", "missing", "The weight of a hop addition is not stated.")
        when = self._time(item, path)
        if form := _FORMS.get(text_of(item, "type").lower()):
            when["form"] = form.value
        self._draft.add_hop(path, text_of(item, "name"), grams, self._number(item, "alpha", path), when)

    def _time(self, item: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Return the request's fields for the time of an addition."""
        return time_by_use(
            (text_of(item, "use"), f"{path}/use"),
            (self._number(item, "time", path), f"{path}/time"),
            self._number(item, "temp", path),
            self._boil_minutes,
            self._draft.notes,
        )
