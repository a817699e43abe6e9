"""Reads BeerXML 1.0 (beerxml.com/beerxml.htm), and what programs are known to write otherwise.

Weights are in kg, volumes in l, times in minutes, temperatures in degrees Celsius, gravities specific, colours of malts
in degrees Lovibond. Known deviations: BeerSmith writes the gravities in degrees Plato if its user prefers them, and
text in the fields of estimates (``6.8 SRM``); Brewer's Friend says in ``USER_HOP_USE`` what ``USE`` has no word for.
"""

import re
from typing import Any

from app.domains.beer.hop_forms import HopForm
from app.domains.beer.recipe_files.additions import time_by_use
from app.domains.beer.recipe_files.draft import Draft
from app.domains.beer.recipe_files.extract import Fermentable
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.recipe_files.reading import NoBeer, Notes, ReadRecipe, RecipeFileError, check_count
from app.domains.beer.recipe_files.xml_tree import Element
from app.domains.beer.schema import MAX_ADDITIONS
from app.domains.beer.units import PLATO_HIGH, POINTS_PER_SG, points_of_plato

MAX_SG = 1.3
"""Gravities above are in degrees Plato."""
MIN_POINTS = 900.0
"""Gravities from here on are in points."""
_WHOLE = frozenset({"sugar", "extract", "dry extract"})
"""Fermentables that dissolve whole."""
_HOP_PATHS = {
    "name": "/NAME",
    "amount_g": "/AMOUNT",
    "alpha_acid": "/ALPHA",
    "boil_minutes": "/TIME",
    "stand_minutes": "/TIME",
    "temperature_c": "/TEMPERATURE",
}
"""Where an addition states the fields of a hop."""
_FORMS = {"pellet": HopForm.PELLET, "plug": HopForm.CONE, "leaf": HopForm.CONE}
"""Forms of hops; a plug is of pressed cones."""
_TEMPERATURES = ("TEMPERATURE", "HOP_TEMP", "TEMP")
"""Elements in which programs state the temperature of a stand, degrees Celsius; BeerXML 1.0 has none."""
_QUANTITY = re.compile(r"\s*([+-]?[0-9]+(?:[.,][0-9]+)?)\s*([A-Za-z°%]*)[A-Za-z°% ]*")


def recipes_of(root: Element, limit: int) -> list[Element]:
    """Return the recipes of a document.

    Args:
        root: Its root.
        limit: Maximum number of recipes.

    Raises:
        RecipeFileError: If there are none, or too many.
    """
    tag = root.tag.upper()
    if tag == "RECIPE":
        return [root]
    holder = root if tag == "RECIPES" else root.find("RECIPES")
    recipes = list(holder.all("RECIPE")) if holder else []
    if _is_beersmiths(root):
        reason = "is in BeerSmith's own format: export the recipe as BeerXML"
        raise RecipeFileError("beersmith_format", root.path, reason)
    check_count(recipes, limit, holder.path if holder else root.path)
    return recipes


def _is_beersmiths(root: Element) -> bool:
    """Return whether a document is in the format of BeerSmith's own files (``.bsmx``)."""
    level = [root]
    for _ in range(4):
        level = [child for element in level for child in element.children[:100]][:1000]
        if any(element.tag.startswith("F_R_") for element in level):
            return True
    return False


def read(recipe: Element) -> ReadRecipe:
    """Read one recipe.

    Args:
        recipe: The element ``RECIPE``.
    """
    draft = Draft(Notes(recipe.path), name=text_of(recipe, "NAME"), hop_paths=_HOP_PATHS)
    return draft.filled(_Reader(recipe, draft).read)


def use_of(hop: Element) -> str:
    """Return what a hop addition is used for, as the file writes it."""
    return text_of(hop, "USER_HOP_USE") or text_of(hop, "USE")


def temperature_tag(hop: Element) -> str:
    """Return the name of the element that states the temperature of an addition's stand, or would."""
    return next((tag for tag in _TEMPERATURES if text_of(hop, tag)), _TEMPERATURES[0])


def text_of(element: Element, tag: str) -> str:
    """Return the text of a child; empty if there is none."""
    found = element.find(tag)
    return found.text.strip() if found else ""


class _Reader:
    """Reads one recipe into a draft."""

    def __init__(self, recipe: Element, draft: Draft) -> None:
        self._recipe = recipe
        self._draft = draft
        self._base = len(recipe.path)
        self._boil_minutes = self._number(recipe, "BOIL_TIME")
        self._in_plato = False

    def read(self) -> None:
        recipe, draft = self._recipe, self._draft
        draft.set("batch_volume_l", self._number(recipe, "BATCH_SIZE"), "/BATCH_SIZE")
        draft.set("boil_volume_l", self._number(recipe, "BOIL_SIZE") or None, "/BOIL_SIZE")
        draft.set("style", self._style(), "/STYLE/NAME")
        if stated := self._quantity("IBU") or self._quantity("EST_IBU"):
            draft.stated_ibu = stated[0]
        if (alcohol := self._quantity("ABV") or self._quantity("EST_ABV")) and alcohol[0] > 0:
            draft.set("abv", alcohol[0], "/ABV")
        draft.places |= {"hops": "/HOPS", "malts": "/FERMENTABLES", "yeast": "/YEASTS", "efficiency": "/EFFICIENCY"}
        draft.efficiency = draft.percent(self._number(recipe, "EFFICIENCY"), "/EFFICIENCY")
        self._gravities()
        self._colour()
        for fermentable in self._items("FERMENTABLES", "FERMENTABLE"):
            self._fermentable(fermentable)
        for yeast in self._items("YEASTS", "YEAST"):
            name, laboratory, product = (text_of(yeast, tag) for tag in ("NAME", "LABORATORY", "PRODUCT_ID"))
            attenuation = draft.percent(self._number(yeast, "ATTENUATION"), self._path(yeast, "ATTENUATION"))
            draft.add_culture(name, laboratory, product, attenuation)
        for hop in self._items("HOPS", "HOP"):
            self._hop(hop)

    def _items(self, holder: str, tag: str) -> list[Element]:
        found = self._recipe.find(holder)
        items = list(found.all(tag)) if found else []
        if len(items) > MAX_ADDITIONS:
            raise NoBeer(f"/{holder}", "too_many", f"Has more than {MAX_ADDITIONS} entries.")
        return items

    def _path(self, element: Element, tag: str = "") -> str:
        """Path in the recipe of an element, or of a child that it has or should have."""
        return element.path[self._base :] + (f"/{tag}" if tag else "")

    def _number(self, element: Element, tag: str) -> float | None:
        """Read a number; None if it is not stated. What is no number is noted, and so is a decimal comma."""
        text = text_of(element, tag)
        value = number(text)
        if value is None and text:
            value = number(text.replace(",", ".")) if text.count(",") == 1 and "." not in text else None
            if value is not None:
                self._draft.notes.add(self._path(element, tag), "decimal_comma", "Has a comma for a decimal point.")
            else:
                self._draft.notes.add(self._path(element, tag), "not_a_number", "Is no number and is left out.")
        return value

    def _quantity(self, tag: str) -> tuple[float, str] | None:
        """Read a number with its unit from a field of the recipe that is meant for display."""
        match = _QUANTITY.fullmatch(text_of(self._recipe, tag)[:60])
        return (float(match[1].replace(",", ".")), match[2].lower()) if match else None

    def _gravities(self) -> None:
        for field, tag in (("target_og", "OG"), ("target_fg", "FG")):
            value, path = self._gravity(tag)
            self._draft.set(field, None if value is None else self._points(value, path), path)

    def _gravity(self, tag: str) -> tuple[float | None, str]:
        """Return a gravity as it is stated, or the estimate of it, and where; None if there is neither."""
        value = self._number(self._recipe, tag)
        if value is not None and value > 0 and not (tag == "OG" and value == 1):
            return value, f"/{tag}"
        estimate = self._quantity(f"EST_{tag}")
        if estimate is None or estimate[0] <= 0:
            return None, f"/{tag}"
        self._in_plato |= estimate[1] in ("plato", "°p")
        self._draft.notes.add(f"/EST_{tag}", "estimate_taken", f"Is taken for the missing {tag}.")
        return estimate[0], f"/EST_{tag}"

    def _points(self, value: float, path: str) -> float | None:
        """Return a gravity in points, by its size; None if it is no gravity in any unit."""
        if value >= MIN_POINTS:
            self._draft.notes.add(path, "points", "Is in points, not specific gravity, and taken so.")
            return value
        if value > PLATO_HIGH:
            self._draft.notes.add(path, "not_a_gravity", "Is no gravity in any unit and is left out.")
            return None
        if value <= MAX_SG and not self._in_plato:
            return round(value * POINTS_PER_SG, 6)
        self._in_plato = True  # and so is the other one
        points = points_of_plato(value)
        text = f"Is in degrees Plato: the specific gravity of {points / POINTS_PER_SG:.4f} is taken."
        self._draft.notes.add(path, "plato", text)
        return points

    def _colour(self) -> None:
        for tag in ("EST_COLOR", "COLOR"):
            if (found := self._quantity(tag)) and found[0] > 0:
                value, unit = found
                self._draft.set("ebc" if unit == "ebc" else "srm", value, f"/{tag}")
                return
        self._draft.places["srm"] = "/EST_COLOR"

    def _style(self) -> str | None:
        style = self._recipe.find("STYLE")
        return self._draft.plain(text_of(style, "NAME"), "/STYLE/NAME") or None if style else None

    def _fermentable(self, element: Element) -> None:
        kind = text_of(element, "TYPE").lower()
        kilograms = self._number(element, "AMOUNT")
        if kilograms is None or kilograms < 0:
            kilograms = 0.0
            self._draft.notes.add(self._path(element, "AMOUNT"), "weight_unreadable", "Has no weight: 0 is taken.")
        self._draft.fermentables.append(
            Fermentable(
                path=self._path(element),
                name=text_of(element, "NAME"),
                kilograms=kilograms,
                yield_percent=self._draft.percent(self._number(element, "YIELD"), self._path(element, "YIELD")),
                lovibond=self._number(element, "COLOR"),
                is_mashed=kind not in _WHOLE,
            )
        )

    def _hop(self, element: Element) -> None:
        kilograms = self._number(element, "AMOUNT")
        if kilograms is None:
            raise NoBeer(self._path(element, "AMOUNT"), "missing", "The weight of a hop addition is not stated.")
        when = self._time(element)
        if form := _FORMS.get(text_of(element, "FORM").lower()):
            when["form"] = form.value
        alpha = self._number(element, "ALPHA")
        self._draft.add_hop(self._path(element), text_of(element, "NAME"), kilograms * 1000.0, alpha, when)

    def _time(self, element: Element) -> dict[str, Any]:
        """Return the request's fields for the time of an addition."""
        return time_by_use(
            (use_of(element), self._path(element, "USE")),
            (self._number(element, "TIME"), self._path(element, "TIME")),
            self._number(element, temperature_tag(element)),
            self._boil_minutes,
            self._draft.notes,
        )
