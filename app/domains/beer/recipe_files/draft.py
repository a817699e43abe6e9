"""A beer in the making: what a file states of it, in the service's units, and then what follows from that."""

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domains.beer.ingredients import MAX_NAME_LENGTH
from app.domains.beer.recipe_files import extract
from app.domains.beer.recipe_files.accepted import accepted
from app.domains.beer.recipe_files.extract import Fermentable
from app.domains.beer.recipe_files.reading import NoBeer, Notes, ReadRecipe, name_of, unreadable
from app.domains.beer.varieties import find

MAX_ATTENUATION = 120.0
"""Apparent attenuation, percent, above which none is believed."""


@dataclass
class Draft:
    """What a recipe file states of one recipe."""

    notes: Notes
    name: str = ""
    stated_ibu: float | None = None
    """Bitterness that the file states, IBU."""
    beer: dict[str, Any] = field(default_factory=dict)
    """Fields of the request so far; gravities in points."""
    places: dict[str, str] = field(default_factory=dict)
    """Path in the recipe by field of the request."""
    fermentables: list[Fermentable] = field(default_factory=list)
    efficiency: float | None = None
    """Brewhouse efficiency, percent; None if it is not stated."""
    attenuation: float | None = None
    """Largest apparent attenuation of the yeasts, percent; None if none is stated."""
    cultures: list[str] = field(default_factory=list)
    """Names of the yeasts."""
    hop_paths: Mapping[str, str] = field(default_factory=dict)
    """Where a hop addition states the request's fields of a hop: path in the addition by field."""

    def set(self, name: str, value: Any, path: str) -> None:
        """Set a field of the request; `value` is None where the file does not state it.

        Args:
            name: Name of the field.
            value: Its value.
            path: Where the file states it, or would.
        """
        self.places[name] = path
        if value is not None:
            self.beer[name] = value

    def add_hop(self, path: str, name: str, grams: float, alpha: float | None, when: Mapping[str, Any]) -> None:
        """Add a hop addition.

        Args:
            path: Path of the addition.
            name: Name of the variety.
            grams: Weight, g.
            alpha: Alpha acid, %; None if it is not stated.
            when: The request's fields for the time, and any others.
        """
        hops = self.beer.setdefault("hops", [])
        self.places |= {f"hops.{len(hops)}": path}
        self.places |= {f"hops.{len(hops)}.{field}": path + tail for field, tail in self.hop_paths.items()}
        name = self._named(name, "hops", path)
        if alpha == 0 and find(name):
            path += self.hop_paths.get("alpha_acid", "")
            self.notes.add(path, "alpha_zero", "Is 0, which is taken as not stated.")
            alpha = None
        hops.append({"name": name, "amount_g": grams} | ({} if alpha is None else {"alpha_acid": alpha}) | dict(when))

    def add_culture(self, name: str, laboratory: str, product: str, attenuation: float | None) -> None:
        """Add a yeast or other culture.

        Args:
            name: Name.
            laboratory: Maker; may be empty.
            product: The maker's code; may be empty.
            attenuation: Apparent attenuation, percent; None if it is not stated.
        """
        name, laboratory, product = (html.unescape(text).strip() for text in (name, laboratory, product))
        code = "" if product in ("", "-") or product.lower() in name.lower() else product
        maker = laboratory.split()[0] if laboratory and code and code.isdigit() else ""
        self.cultures.append(" ".join(filter(None, (maker, code, name))))
        if attenuation is not None and 0 < attenuation <= MAX_ATTENUATION:
            self.attenuation = max(attenuation, self.attenuation or 0.0)

    def percent(self, value: float | None, path: str) -> float | None:
        """Return a share in percent; None if it is not stated. One that can only be a fraction is noted.

        Args:
            value: The share as it is stated.
            path: Where it is stated.
        """
        if value is None or not 0 < value <= extract.MAX_FRACTION:
            return value or None
        self.notes.add(path, "fraction", "Is a fraction, not percent, and taken so.")
        return value * 100.0

    def plain(self, text: str, path: str) -> str:
        """Return a name without HTML entities, as long as a request may have it.

        Args:
            text: The name.
            path: Its path, for a note if it is cut.
        """
        name = html.unescape(text).strip()
        if len(name) > MAX_NAME_LENGTH:
            self.notes.add(path, "name_cut", f"Has a name of more than {MAX_NAME_LENGTH} characters, which is cut.")
        return name[:MAX_NAME_LENGTH].strip()

    def _named(self, text: str, otherwise: str, path: str) -> str:
        if name := self.plain(text, path):
            return name
        self.notes.add(path, "name_missing", "Has no name.")
        return otherwise

    def filled(self, read: Callable[[], None]) -> ReadRecipe:
        """Fill the draft, compute what the file does not state from fermentables and yeasts, and return the recipe.

        Args:
            read: Writes what the file states into this draft. If it raises `NoBeer`, the recipe has no beer.
        """
        try:
            read()
            self._complete()
        except NoBeer as error:
            return unreadable(self._title, self.notes, error, self.stated_ibu)
        return accepted(self._title, self.beer, self.notes, self.places, self.stated_ibu)

    @property
    def _title(self) -> str | None:
        return name_of(html.unescape(self.name))

    def _complete(self) -> None:
        if "batch_volume_l" not in self.beer:
            raise NoBeer(self.places.get("batch_volume_l", ""), "missing", "The volume of the batch is not stated.")
        if "hops" not in self.beer:
            self.beer["hops"] = []
            self.notes.add(self.places.get("hops", ""), "no_hops", "Lists no hops: a beer without hops is taken.")
        self._complete_malts()
        if "target_og" not in self.beer:
            self._original_gravity()
        if "target_fg" not in self.beer:
            self._final_gravity()
        if "srm" not in self.beer and "ebc" not in self.beer:
            self._colour()
        if self.cultures:
            self.beer["yeast"] = self.plain(" & ".join(self.cultures), self.places.get("yeast", ""))

    def _complete_malts(self) -> None:
        for index, fermentable in enumerate(self.fermentables):
            name = self._named(fermentable.name, "malt", fermentable.path)
            self.places[f"malts.{index}"] = fermentable.path
            self.beer.setdefault("malts", []).append({"name": name, "amount_kg": fermentable.kilograms})

    def _original_gravity(self) -> None:
        place, litres = self.places.get("target_og", ""), self.beer["batch_volume_l"]
        if litres <= 0 or not any(fermentable.kilograms > 0 for fermentable in self.fermentables):
            raise NoBeer(place, "missing", "The original gravity is not stated, and no fermentables tell it.")
        for fermentable in self.fermentables:
            if fermentable.yield_percent is None:
                text = f"States no extract: {extract.YIELD:g} % are assumed for the original gravity."
                self.notes.add(fermentable.path, "yield_assumed", text)
            elif extract.is_ppg(fermentable):
                text = "States so little extract that it is taken as points of a pound in a gallon."
                self.notes.add(fermentable.path, "yield_as_ppg", text)
        if self.efficiency is None:
            text = f"Is not stated: {extract.EFFICIENCY:g} % are assumed for the original gravity."
            self.notes.add(self.places.get("efficiency", ""), "efficiency_assumed", text)
        efficiency = extract.EFFICIENCY if self.efficiency is None else self.efficiency
        og = extract.original_gravity(self.fermentables, litres, efficiency)
        self.beer["target_og"] = og
        text = f"Is not stated: {og / 1000:.4f} follows from the fermentables and an efficiency of {efficiency:g} %."
        self.notes.add(place, "og_from_grain", text)

    def _final_gravity(self) -> None:
        attenuation = extract.ATTENUATION if self.attenuation is None else self.attenuation
        fg = extract.final_gravity(self.beer["target_og"], attenuation)
        self.beer["target_fg"] = fg
        source = "assumed attenuation" if self.attenuation is None else "attenuation of the yeast"
        text = f"Is not stated: {fg / 1000:.4f} follows from the {source}, {attenuation:g} %."
        self.notes.add(self.places.get("target_fg", ""), "fg_from_attenuation", text)

    def _colour(self) -> None:
        litres = self.beer["batch_volume_l"]
        if litres <= 0 or not any(fermentable.lovibond for fermentable in self.fermentables):
            return
        srm = extract.colour(self.fermentables, litres)
        self.beer["srm"] = srm
        text = f"Is not stated: {srm:g} SRM follow from the fermentables by Morey's formula."
        if srm > extract.MAX_MOREY_SRM:
            text += f" It holds up to {extract.MAX_MOREY_SRM:g} SRM."
        self.notes.add(self.places.get("srm", ""), "colour_by_morey", text)
