"""Writes recipes of BeerXML as BeerJSON 1.0.

What BeerJSON requires and a BeerXML recipe does not state is what reading it takes: the yield and the efficiency that
`app.domains.beer.recipe_files.extract` assumes. Equipment, waters and fermentation steps have no place to go, or lack
what BeerJSON requires of them, and stay behind.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.domains.beer.recipe import ASSUMED_ALPHA
from app.domains.beer.recipe_files.additions import MINUTES_PER_DAY, stage_of_use
from app.domains.beer.recipe_files.beerjson_parts import Json, boil, hop_timing, ibu_estimate, quantity, time
from app.domains.beer.recipe_files.beerxml import temperature_tag, text_of, use_of
from app.domains.beer.recipe_files.extract import EFFICIENCY, YIELD
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.recipe_files.reading import ReadRecipe
from app.domains.beer.recipe_files.xml_tree import Element
from app.domains.beer.stages import Stage
from app.domains.beer.units import POINTS_PER_SG
from app.domains.beer.varieties import find

_METHODS = {"tinseth": "Tinseth", "rager": "Rager", "garetz": "Garetz"}
_TYPES = ("extract", "partial mash", "all grain")
_FERMENTABLES = {"sugar": "sugar", "extract": "extract", "dry extract": "dry extract"}
_FORMS = {"pellet": "pellet", "plug": "plug", "leaf": "leaf"}
_CULTURES = {"ale": "ale", "lager": "lager", "wine": "wine", "champagne": "champagne"}
_CULTURE_FORMS = ("liquid", "dry", "slant", "culture")
_MISCELLANEOUS = ("spice", "fining", "water agent", "herb", "flavor")
_USES = {
    "mash": "add_to_mash",
    "boil": "add_to_boil",
    "primary": "add_to_fermentation",
    "secondary": "add_to_fermentation",
    "bottling": "add_to_package",
}
_MASH_STEPS = ("infusion", "temperature", "decoction")
_DRINKS = ("mead", "cider")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LETTER = re.compile(r"[A-Z]")


def recipe_of(recipe: Element, read: ReadRecipe) -> Json:
    """Return a recipe of BeerXML as one of BeerJSON.

    Args:
        recipe: The element ``RECIPE``.
        read: What was read of it, with its beer.
    """
    beer: Mapping[str, Any] = read.beer or {}
    computed = {note.code for note in read.notes}
    kind = text_of(recipe, "TYPE").lower()
    efficiency = _number(recipe, "EFFICIENCY") or EFFICIENCY
    result: Json = {
        "name": read.name or "",
        "type": kind if kind in _TYPES else "other",
        "author": text_of(recipe, "BREWER"),
        "batch_size": quantity(beer.get("batch_volume_l", 0.0), "l"),
        "efficiency": {"brewhouse": quantity(efficiency, "%")},
        "ingredients": _ingredients(recipe),
    }
    if coauthor := text_of(recipe, "ASST_BREWER"):
        result["coauthor"] = coauthor
    if _DATE.fullmatch(date := text_of(recipe, "DATE")):
        result["created"] = date
    if style := recipe.find("STYLE"):
        result["style"] = _style(style)
    result |= _optional("boil", _boil(recipe, beer))
    if mash := recipe.find("MASH"):
        result |= _optional("mash", _mash(mash))
    for field, key, code in (
        ("target_og", "original_gravity", "og_from_grain"),
        ("target_fg", "final_gravity", "fg_from_attenuation"),
    ):
        if field in beer and code not in computed:
            result[key] = quantity(round(beer[field] / POINTS_PER_SG, 9), "sg")
    if "colour_by_morey" not in computed:
        for field, unit in (("ebc", "EBC"), ("srm", "SRM")):
            if field in beer:
                result["color_estimate"] = quantity(beer[field], unit)
    if "abv" in beer:
        result["alcohol_by_volume"] = quantity(beer["abv"], "%")
    if (carbonation := _number(recipe, "CARBONATION")) is not None:
        result["carbonation"] = carbonation
    result |= _optional("notes", text_of(recipe, "NOTES") or None)
    if (rating := _number(recipe, "TASTE_RATING")) is not None and (taste := text_of(recipe, "TASTE_NOTES")):
        result["taste"] = {"notes": taste, "rating": rating}
    if read.stated_ibu is not None:
        method = _METHODS.get(text_of(recipe, "IBU_METHOD").lower(), "Other")
        result["ibu_estimate"] = ibu_estimate(read.stated_ibu, method)
    return result


def _ingredients(recipe: Element) -> Json:
    lists: tuple[tuple[str, str, str, Callable[[Element], Json]], ...] = (
        ("fermentable_additions", "FERMENTABLES", "FERMENTABLE", _fermentable),
        ("hop_additions", "HOPS", "HOP", _hop),
        ("culture_additions", "YEASTS", "YEAST", _culture),
        ("miscellaneous_additions", "MISCS", "MISC", _miscellaneous),
    )
    return {
        key: [written(item) for item in (holder.all(tag) if holder else ())]
        for key, holders, tag, written in lists
        for holder in (recipe.find(holders),)
    }


def _fermentable(item: Element) -> Json:
    kind, share = text_of(item, "TYPE").lower(), _number(item, "YIELD")
    result: Json = {
        "name": text_of(item, "NAME"),
        "type": _FERMENTABLES.get(kind, "grain"),
        "yield": {"fine_grind": quantity(YIELD if share is None else share, "%")},
        "color": quantity(_number(item, "COLOR") or 0.0, "Lovi"),
        "amount": quantity(_number(item, "AMOUNT") or 0.0, "kg"),
    }
    result |= _texts(item, ORIGIN="origin", SUPPLIER="producer")
    if kind == "adjunct":
        result["grain_group"] = "adjunct"
    if _is_true(item, "ADD_AFTER_BOIL"):
        result["timing"] = {"use": "add_to_fermentation"}
    return result


def _hop(item: Element) -> Json:
    name, alpha, beta = text_of(item, "NAME"), _number(item, "ALPHA"), _number(item, "BETA")
    if not alpha:
        variety = find(name)
        alpha = variety.alpha_typical if variety else ASSUMED_ALPHA if alpha is None else alpha
    result: Json = {
        "name": name,
        "alpha_acid": quantity(alpha, "%"),
        "amount": quantity(_number(item, "AMOUNT") or 0.0, "kg"),
    }
    result |= _optional("form", _FORMS.get(text_of(item, "FORM").lower()))
    result |= _optional("beta_acid", None if beta is None else quantity(beta, "%"))
    return result | _texts(item, ORIGIN="origin") | {"timing": _hop_timing(item)}


def _hop_timing(item: Element) -> Json:
    stage, minutes = stage_of_use(use_of(item)), _number(item, "TIME")
    if stage is None and minutes is not None and minutes >= MINUTES_PER_DAY:
        stage = Stage.DRY_HOP
    return hop_timing(stage, minutes)


def _boil(recipe: Element, beer: Mapping[str, Any]) -> Json | None:
    minutes = _number(recipe, "BOIL_TIME")
    return None if minutes is None else boil(minutes, beer.get("boil_volume_l"), [_stand_temperature(recipe)])


def _stand_temperature(recipe: Element) -> float | None:
    """The temperature of the stand, degrees Celsius; None if it is not stated, or not one."""
    holder = recipe.find("HOPS")
    hops = [hop for hop in (holder.all("HOP") if holder else ()) if stage_of_use(use_of(hop)) == Stage.WHIRLPOOL]
    stated = {_number(hop, temperature_tag(hop)) for hop in hops}
    return stated.pop() if len(stated) == 1 else None


def _culture(item: Element) -> Json:
    form, attenuation = text_of(item, "FORM").lower(), _number(item, "ATTENUATION")
    result: Json = {
        "name": text_of(item, "NAME"),
        "type": _CULTURES.get(text_of(item, "TYPE").lower(), "other"),
        "form": form if form in _CULTURE_FORMS else "liquid",
        "amount": _amount(item, otherwise=quantity(1, "pkg")),
    }
    result |= _texts(item, LABORATORY="producer", PRODUCT_ID="product_id")
    return result | _optional("attenuation", None if attenuation is None else quantity(attenuation, "%"))


def _miscellaneous(item: Element) -> Json:
    kind, use, minutes = text_of(item, "TYPE").lower(), _USES.get(text_of(item, "USE").lower()), _number(item, "TIME")
    timing = _optional("use", use) | _optional("duration", None if minutes is None else time(minutes))
    return {
        "name": text_of(item, "NAME"),
        "type": kind if kind in _MISCELLANEOUS else "other",
        "amount": _amount(item, otherwise=quantity(1, "each")),
        **_optional("timing", timing or None),
    }


def _style(style: Element) -> Json:
    kind, number_text, letter = (text_of(style, tag) for tag in ("TYPE", "CATEGORY_NUMBER", "STYLE_LETTER"))
    category = number(number_text)
    return {
        "name": text_of(style, "NAME"),
        "category": text_of(style, "CATEGORY"),
        "style_guide": text_of(style, "STYLE_GUIDE"),
        "type": kind.lower() if kind.lower() in _DRINKS else "beer",
        **_optional("category_number", int(category) if category is not None and category.is_integer() else None),
        **_optional("style_letter", letter if _LETTER.fullmatch(letter) else None),
    }


def _mash(mash: Element) -> Json | None:
    """The mash; None if it lacks what BeerJSON requires."""
    temperature, holder = _number(mash, "GRAIN_TEMP"), mash.find("MASH_STEPS")
    steps = [_mash_step(step) for step in holder.all("MASH_STEP")] if holder else []
    if temperature is None or not steps or None in steps:
        return None
    return {"name": text_of(mash, "NAME"), "grain_temperature": quantity(temperature, "C"), "mash_steps": steps}


def _mash_step(step: Element) -> Json | None:
    kind = text_of(step, "TYPE").lower()
    temperature, minutes = _number(step, "STEP_TEMP"), _number(step, "STEP_TIME")
    if kind not in _MASH_STEPS or temperature is None or minutes is None:
        return None
    litres = _number(step, "INFUSE_AMOUNT")
    return {
        "name": text_of(step, "NAME"),
        "type": kind,
        "step_temperature": quantity(temperature, "C"),
        "step_time": time(minutes),
        **_optional("amount", quantity(litres, "l") if litres else None),
    }


def _number(element: Element, tag: str) -> float | None:
    return number(text_of(element, tag).replace(",", "."))


def _is_true(element: Element, tag: str) -> bool:
    return text_of(element, tag).lower() == "true"


def _amount(item: Element, otherwise: Json) -> Json:
    amount = _number(item, "AMOUNT")
    return otherwise if amount is None else quantity(amount, "kg" if _is_true(item, "AMOUNT_IS_WEIGHT") else "l")


def _optional(key: str, value: Any) -> Json:
    return {} if value is None else {key: value}


def _texts(element: Element, **keys: str) -> Json:
    """Texts that the element has, by BeerJSON's key for each tag."""
    return {key: text for tag, key in keys.items() if (text := text_of(element, tag))}
