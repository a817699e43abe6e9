"""Parts of a BeerJSON document that are written alike for recipes of any source: quantities, times and the boil."""

from collections.abc import Sequence
from typing import Any

from app.domains.beer.recipe_files.additions import MINUTES_PER_DAY
from app.domains.beer.stages import Stage

VERSION = 1.0
"""Version of BeerJSON that is written."""
FIRST_WORT, BOIL, WHIRLPOOL = 1, 2, 3
"""Steps of a boil that has others than boiling, from 1; each stand has one of its own, from `WHIRLPOOL` on."""
Json = dict[str, Any]

_SECONDS = 60
_USES = {Stage.MASH: "add_to_mash", Stage.DRY_HOP: "add_to_fermentation"}
_STEPS = {Stage.FIRST_WORT: FIRST_WORT, Stage.WHIRLPOOL: WHIRLPOOL}


def beerjson_of(recipes: Sequence[Json]) -> Json:
    """Return a BeerJSON document of recipes."""
    return {"beerjson": {"version": VERSION, "recipes": list(recipes)}}


def ibu_estimate(ibu: float, method: str = "Other") -> Json:
    """Return BeerJSON's object for a bitterness.

    Args:
        ibu: Bitterness, IBU.
        method: Formula; ``Other`` is the model.
    """
    return {"method": method, "value": quantity(ibu, "IBUs")}


def quantity(value: float, unit: str) -> Json:
    """Return a quantity."""
    return {"unit": unit, "value": value}


def time(minutes: float) -> Json:
    """Return a time in days or minutes if it is whole ones, and in seconds if not: BeerJSON has whole numbers only."""
    days = minutes / MINUTES_PER_DAY
    if days >= 1 and days.is_integer():
        return quantity(int(days), "day")
    if float(minutes).is_integer():
        return quantity(int(minutes), "min")
    return quantity(round(minutes * _SECONDS), "sec")


def hop_timing(stage: Stage | None, minutes: float | None, step: int | None = None) -> Json:
    """Return the timing of an addition of hops.

    Args:
        stage: The stage; None if the hops are boiled.
        minutes: Minutes of boil or stand; None if they are not known.
        step: The step of the boil, from 1; by default that of the stage in `boil`.
    """
    duration = {} if minutes is None else {"duration": time(minutes)}
    if stage in _USES:
        return {"use": _USES[stage]} | duration
    return {"use": "add_to_boil", "step": step or (_STEPS.get(stage, BOIL) if stage else BOIL)} | duration


def boil(minutes: float, litres: float | None, stands: Sequence[float | None]) -> Json:
    """Return the boil, with a step before and steps after it, to which additions refer.

    Args:
        minutes: Its time.
        litres: Volume before it; None if it is not known.
        stands: Temperature of each stand after it, degrees Celsius; None where it is not known.
    """
    return {
        **({} if litres is None else {"pre_boil_size": quantity(litres, "l")}),
        "boil_time": time(minutes),
        "boil_steps": [{"name": "First wort"}, {"name": "Boil", "step_time": time(minutes)}, *map(_stand, stands)],
    }


def _stand(celsius: float | None) -> Json:
    if celsius is None:
        return {"name": "Whirlpool"}
    at = quantity(celsius, "C")
    return {"name": "Whirlpool", "start_temperature": at, "end_temperature": at}
