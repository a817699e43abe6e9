"""When hops are added: the words and minutes of recipe files as a request's fields for the time of an addition."""

from collections.abc import Mapping
from typing import Any

from app.domains.beer.recipe_files.reading import Notes
from app.domains.beer.stages import Stage, stage_of

MINUTES_PER_DAY = 1440.0
"""A boil of a day or longer is none: the time is that of dry hops."""
_OF_A_STAND = {"stand_minutes": "time", "temperature_c": "temperature"}
"""Fields of a stand, and what they are called."""


def stage_of_use(use: str) -> Stage | None:
    """Find the stage that a word of brewing software means; None if the hops are boiled, or the word is unknown."""
    return Stage.WHIRLPOOL if use.lower() == "aroma" else stage_of(use)


def time_by_use(
    use: tuple[str, str],
    minutes: tuple[float | None, str],
    celsius: float | None,
    boil_minutes: float | None,
    notes: Notes,
) -> dict[str, Any]:
    """Return the time of an addition that has a use (``Boil``, ``Aroma``, ``Dry Hop``) and minutes.

    Args:
        use: The use, and its path.
        minutes: The minutes, None if they are not stated, and their path.
        celsius: Temperature of a stand; None if it is not stated.
        boil_minutes: Length of the boil; None if it is not stated.
        notes: Takes the notes.
    """
    (word, use_path), (time, time_path) = use, minutes
    stage = stage_of_use(word)
    if stage == Stage.WHIRLPOOL:
        return stand({"stand_minutes": time or None, "temperature_c": celsius}, use_path, notes)
    if stage is not None:
        return {"stage": stage.value}
    if word.lower() != "boil":
        notes.add(use_path, "use_assumed", "Is no use that is known: an addition to the boil is taken.")
    return unstated_boil(boil_minutes, time_path, notes) if time is None else boiled(time, time_path, notes)


def boiled(minutes: float, path: str, notes: Notes) -> dict[str, Any]:
    """Return the time of an addition to the boil.

    Args:
        minutes: Boil time that the file states.
        path: Where it states it.
        notes: Takes the notes.
    """
    if minutes >= MINUTES_PER_DAY:
        text = f"Is {minutes / MINUTES_PER_DAY:g} days, which are no boil: a dry hop is taken."
        notes.add(path, "days_no_boil", text)
        return {"stage": Stage.DRY_HOP.value}
    return {"boil_minutes": minutes}


def unstated_boil(boil_minutes: float | None, path: str, notes: Notes) -> dict[str, Any]:
    """Return the time of an addition to the boil for which the file states none.

    Args:
        boil_minutes: Length of the boil; None if it is not stated.
        path: Where the file would state the time.
        notes: Takes the notes.
    """
    if boil_minutes is None:
        notes.add(path, "time_assumed", "States no time: the start of the boil is taken.")
        return {"stage": Stage.START.value}
    notes.add(path, "time_assumed", f"States no time: the whole boil of {boil_minutes:g} minutes is taken.")
    return {"boil_minutes": boil_minutes}


def stand(stated: Mapping[str, float | None], path: str, notes: Notes) -> dict[str, Any]:
    """Return the time of an addition to a whirlpool or hop stand.

    Args:
        stated: The request's ``stand_minutes`` and ``temperature_c``; None where the file states none.
        path: Where the file says that the addition is one.
        notes: Takes the notes.
    """
    known = {name: value for name, value in stated.items() if value is not None}
    missing = [words for name, words in _OF_A_STAND.items() if name not in known]
    text = "Is after the boil: the stage whirlpool is taken."
    if missing:
        text += f" It states no {' and no '.join(missing)} of the stand."
    notes.add(path, "whirlpool", text)
    return {"stage": Stage.WHIRLPOOL.value} | known
