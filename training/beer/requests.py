"""Brings a recipe in the Punk API's shape into that of a request to the service.

A request states what the recipe states: other units are converted, and what only the data set got wrong is mended. All
else (alpha acids, malts, yeast, colours, pH, what is no hop) is left to the service, which treats it as training does.
"""

import math
from typing import Any, cast

import pandas as pd

from app.domains.beer.inputs import FG, OG, VITAL_INPUTS, names
from training.beer.bills import Entry, bill_rules, entries, grist, has_bill, volume, yeast
from training.beer.stages import ASSUMED
from training.cleaning import table
from training.figures import number
from training.sources import Recipe

_MENDED = ("malt_decimal_point",)
"""Rules of cleaning that mend what no client can ask of the service."""


def request_of(beer: Recipe) -> dict[str, Any]:
    """Return the body of `POST /predict` for a recipe.

    Args:
        beer: Recipe from a source, as it is.

    Returns:
        The request. Gravities that are exchanged and a malt's lost decimal point are mended, for the service rejects
        the one and cannot know the other. An addition whose time is not understood is at the stage that training
        assumes; an entry without a readable weight is left out.
    """
    beer = _mended(beer)
    figures = {name: number(beer.get(name)) for name in names(VITAL_INPUTS)}
    request: dict[str, Any] = {name: value for name, value in figures.items() if value is not None}
    if request.get(OG.name, math.inf) < request.get(FG.name, -math.inf):
        request[OG.name], request[FG.name] = request[FG.name], request[OG.name]
    if has_bill(beer):
        request["batch_volume_l"] = volume(beer)
        request["hops"] = [
            _hop(entry) for entry in entries(beer) if entry.name and (entry.kind != "other" or entry.grams)
        ]
        malts = [{"name": name, "amount_kg": weight} for name, weight in grist(beer)]
        request |= {name: value for name, value in (("malts", malts or None), ("yeast", yeast(beer))) if value}
    return request


def _hop(entry: Entry) -> dict[str, Any]:
    stated = {} if entry.stated_alpha is None else {"alpha_acid": entry.stated_alpha}
    in_minutes = isinstance(entry.time, float)
    when = {"boil_minutes": entry.time} if in_minutes else {"stage": ASSUMED if entry.time is None else entry.text}
    return {"name": entry.name, "amount_g": entry.grams, **stated, **when}


def _mended(beer: Recipe) -> Recipe:
    frame: pd.DataFrame = table([beer])
    for rule in bill_rules():
        if rule.name in _MENDED and rule.mends:
            rule.mends(frame, rule.finds(frame))
    return cast(Recipe, frame.at[0, "beer"])
