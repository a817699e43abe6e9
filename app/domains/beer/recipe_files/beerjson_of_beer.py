"""Writes a beer as `POST /predict` takes it as a recipe of BeerJSON 1.0.

What BeerJSON requires and a beer does not state is what reading a recipe takes. Read again, the recipe is the same beer
in what the models use. A note says what was written for something else, or has no place.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from app.domains.beer.corrections import exchanged
from app.domains.beer.hop_bill import MINUTES, Addition
from app.domains.beer.hop_forms import HopForm
from app.domains.beer.ingredients import Hop
from app.domains.beer.recipe import ResolvedBill
from app.domains.beer.recipe_files.beerjson_parts import WHIRLPOOL, Json, boil, hop_timing, quantity
from app.domains.beer.recipe_files.beerjson_timing import BOILING
from app.domains.beer.recipe_files.extract import EFFICIENCY, YIELD
from app.domains.beer.schema import VOLUMES, Beer
from app.domains.beer.stages import Stage
from app.domains.beer.styles import find
from app.domains.beer.units import POINTS_PER_SG, points
from app.domains.beer.yeasts import Kind, kinds

SHORTEST_BOIL = 60.0
"""Minutes of boil that are written at least; requests state none."""
_FORMS = {HopForm.PELLET: "pellet", HopForm.CONE: "leaf", HopForm.EXTRACT: "extract", HopForm.CRYO: "powder"}
_BY_MINUTES = frozenset({Stage.START, Stage.MIDDLE, Stage.END})
"""Stages of the boil, for which BeerJSON has no word."""
_CULTURES: Mapping[Kind, str] = {
    Kind.AMERICAN_ALE: "ale",
    Kind.ENGLISH_ALE: "ale",
    Kind.GERMAN_ALE: "ale",
    Kind.BELGIAN: "ale",
    Kind.WHEAT: "ale",
    Kind.LAGER: "lager",
    Kind.BACTERIA: "bacteria",
    Kind.KVEIK: "kveik",
    Kind.WINE: "wine",
}


class WritingNote(NamedTuple):
    """Something that BeerJSON has no place for, or that it requires and the beer does not state."""

    field: str
    """Field of the beer."""
    code: str
    """Stable identifier for programs."""
    message: str
    """Sentence for people."""


def recipe_of_beer(name: str, beer: Beer, bill: ResolvedBill) -> tuple[Json, list[WritingNote]]:
    """Return a beer as a recipe of BeerJSON.

    Args:
        name: Name of the recipe; may be empty.
        beer: A beer without contradictions.
        bill: Its resolved hop bill; an empty one if it has none.

    Returns:
        The recipe, without an estimate of the bitterness, and the notes on it.
    """
    writer = _Writer(beer, bill)
    return writer.recipe(name), writer.notes


class _Writer:
    """Writes one beer."""

    def __init__(self, beer: Beer, bill: ResolvedBill) -> None:
        self._beer = beer
        self._bill = bill
        self._additions = dict(zip(bill.positions, bill.additions, strict=True))
        """The hops by their index in the beer; not what is no hop."""
        self._stands: list[float | None] = []
        """Temperature of each stand that additions refer to."""
        self.notes: list[WritingNote] = []

    def recipe(self, name: str) -> Json:
        beer = self._beer
        self._note("efficiency", "required", f"BeerJSON requires an efficiency: {EFFICIENCY:g} % are written.")
        if VOLUMES.isdisjoint(beer.model_fields_set):
            self._note("batch_volume_l", "required", f"Is not stated: {beer.batch_volume_l:g} l are written.")
        ingredients = self._ingredients()
        return {
            "name": name,
            "type": "all grain",
            "author": "",
            "batch_size": quantity(beer.batch_volume_l, "l"),
            "efficiency": {"brewhouse": quantity(EFFICIENCY, "%")},
            **({} if beer.style is None else {"style": _style(beer.style)}),
            "original_gravity": _gravity(beer.target_og),
            "final_gravity": _gravity(beer.target_fg),
            **({} if beer.abv is None else {"alcohol_by_volume": quantity(beer.abv, "%")}),
            **({} if beer.ph is None else {"beer_pH": quantity(beer.ph, "pH")}),
            **self._colour(),
            "ingredients": ingredients,
            **self._boil(),
        }

    def _note(self, field: str, code: str, message: str) -> None:
        self.notes.append(WritingNote(field, code, message))

    def _colour(self) -> Json:
        ebc, srm = self._beer.ebc, self._beer.srm
        if ebc is None:
            return {} if srm is None else {"color_estimate": quantity(srm, "SRM")}
        if srm is not None:
            if exchanged(ebc, srm):
                ebc = srm
            self._note("srm", "one_colour", f"BeerJSON has one colour: {ebc:g} EBC are written.")
        return {"color_estimate": quantity(ebc, "EBC")}

    def _ingredients(self) -> Json:
        beer = self._beer
        malts = [
            {
                "name": malt.name,
                "type": "grain",
                "yield": {"fine_grind": quantity(YIELD, "%")},
                "color": quantity(0.0, "Lovi"),
                "amount": quantity(malt.amount_kg, "kg"),
            }
            for malt in beer.malts or ()
        ]
        if malts:
            text = (
                f"BeerJSON requires type, extract and colour of malts: grain, {YIELD:g} % and 0 Lovibond are written."
            )
            self._note("malts", "required", text)
        if beer.hops is None:
            self._note(
                "hops", "no_hop_bill", "Are not stated: a program that reads the file takes a beer without hops."
            )
        hops = list(self._hops())
        others = list(self._no_hops())
        return {
            "fermentable_additions": malts,
            "hop_additions": hops,
            **({} if beer.yeast is None else {"culture_additions": [self._culture(beer.yeast)]}),
            **({"miscellaneous_additions": others} if others else {}),
        }

    def _hops(self) -> Iterator[Json]:
        for index, hop in enumerate(self._beer.hops or ()):
            if (addition := self._additions.get(index)) is None:
                continue
            field = f"hops.{index}"
            if hop.age_months is not None:
                text = (
                    f"BeerJSON has no age of hops: what is left of the alpha acid is written, {addition.alpha:.3g} %."
                )
                self._note(f"{field}.age_months", "age_left_out", text)
            elif hop.alpha_acid is None:
                text = f"BeerJSON requires one figure: {addition.alpha:.3g} % are written."
                self._note(f"{field}.alpha_acid", "required", text)
            yield {
                "name": hop.name,
                "alpha_acid": quantity(round(addition.alpha, 9), "%"),
                **({} if hop.form is None else {"form": _FORMS[hop.form]}),
                **({} if hop.alpha_loss is None else {"percent_lost": quantity(hop.alpha_loss, "%")}),
                "amount": quantity(hop.amount_g, "g"),
                "timing": self._timing(hop, addition, field),
            }

    def _timing(self, hop: Hop, addition: Addition, field: str) -> Json:
        if hop.stage in _BY_MINUTES:
            text = f"BeerJSON has no such stage: {addition.minutes:g} minutes of boil are written, as which it counts."
            self._note(f"{field}.stage", "stage_as_minutes", text)
            return hop_timing(None, MINUTES[hop.stage])
        stands = addition.stand is not None or hop.stage is Stage.WHIRLPOOL
        if not stands:
            return hop_timing(hop.stage, hop.boil_minutes)
        celsius = hop.temperature_c
        if celsius is not None and celsius >= BOILING:
            text = f"A step of {BOILING:g} degrees or more is a boil in BeerJSON: the temperature is left out."
            self._note(f"{field}.temperature_c", "temperature_left_out", text)
            celsius = None
        if celsius not in self._stands:
            self._stands.append(celsius)
        return hop_timing(Stage.WHIRLPOOL, hop.stand_minutes, WHIRLPOOL + self._stands.index(celsius))

    def _no_hops(self) -> Iterator[Json]:
        """What the hop bill lists and is no hop."""
        for index, hop in enumerate(self._beer.hops or ()):
            if index not in self._additions:
                text = "Is no hop, and is written as a miscellaneous addition."
                self._note(f"hops.{index}", "as_miscellaneous", text)
                yield {"name": hop.name, "type": "other", "amount": quantity(hop.amount_g, "g")}

    def _culture(self, name: str) -> Json:
        found = {_CULTURES.get(kind, "other") for kind in kinds(name)}
        kind = found.pop() if len(found) == 1 else "other"
        text = f"BeerJSON requires kind, form and amount of a yeast: {kind}, liquid and one package are written."
        self._note("yeast", "required", text)
        return {"name": name, "type": kind, "form": "liquid", "amount": quantity(1.0, "pkg")}

    def _boil(self) -> Json:
        """The boil, with the steps that the additions refer to."""
        hops: Sequence[Hop] = self._beer.hops or ()
        if not self._additions and self._beer.boil_volume_l is None:
            return {}
        minutes = max([SHORTEST_BOIL, *(hop.boil_minutes or 0.0 for hop in hops)])
        self._note("boil", "required", f"BeerJSON requires the time of the boil: {minutes:g} minutes are written.")
        return {"boil": boil(minutes, self._beer.boil_volume_l, self._stands or [None])}


def _gravity(gravity: float) -> Json:
    return quantity(round(points(gravity) / POINTS_PER_SG, 9), "sg")


def _style(text: str) -> Json:
    if (style := find(text)) is None:
        return {"name": text, "category": "", "style_guide": "", "type": "beer"}
    result: Json = {"name": style.name, "category": "", "style_guide": "BJCP 2021", "type": "beer"}
    if style.code[:-1].isdigit():
        result |= {"category_number": int(style.code[:-1]), "style_letter": style.code[-1]}
    return result
