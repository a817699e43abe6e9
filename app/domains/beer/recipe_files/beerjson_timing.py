"""Reads the timing of hop additions in BeerJSON.

An addition's ``step`` counts the steps of the boil from 1; what comes before the wort boils is a first wort addition,
what comes after it a whirlpool. BeerJSON's schema calls ``duration`` what BeerXML calls ``TIME``; yet its own samples,
some of them made from BeerXML, write ``time`` for it, so a ``time`` without ``duration`` is read as the minutes boiled.
"""

import re
from collections.abc import Mapping
from typing import Any

from app.domains.beer.ingredients import MAX_NAME_LENGTH
from app.domains.beer.recipe_files.additions import boiled, stand, unstated_boil
from app.domains.beer.recipe_files.beerjson_units import MINUTES, amount, celsius
from app.domains.beer.recipe_files.json_items import text_of
from app.domains.beer.recipe_files.reading import Notes
from app.domains.beer.schema import MAX_ADDITIONS
from app.domains.beer.stages import Stage

BOILING = 95.0
"""Degrees Celsius from which wort boils; at an altitude of 1,500 m it does so at 95."""
CHILLED = 60.0
"""Degrees Celsius below which the end of a step is that of chilling; an addition then stands at the middle of it."""
_NO_BOIL = re.compile(r"pre-?boil|heat|first wort|whirlpool|stand|steep|hop ?back|chill|cool", re.IGNORECASE)
"""Names of steps in which wort does not boil, if they state no temperature."""
_STAGES = {
    "add_to_mash": Stage.MASH,
    "add_to_fermentation": Stage.DRY_HOP,
    "add_to_package": Stage.DRY_HOP,
}


class Timing:
    """Reads the timing of the additions of one recipe."""

    def __init__(self, boil: Mapping[str, Any], notes: Notes) -> None:
        """Create the reader.

        Args:
            boil: The recipe's boil; may be empty.
            notes: Takes the notes.
        """
        self._notes = notes
        self._boil_minutes = self._minutes(boil, "boil_time", "/boil")
        steps = boil.get("boil_steps")
        listed = steps[:MAX_ADDITIONS] if isinstance(steps, list) else []
        self._steps: list[Mapping[str, Any]] = [step if isinstance(step, Mapping) else {} for step in listed]
        boiling = (index for index in range(len(self._steps)) if self._boils(index))
        self._first_boil = next(boiling, 0)  # 0 if none says so

    def of(self, timing: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Return the request's fields for the time of an addition.

        Args:
            timing: Its timing.
            path: Path of the timing in the recipe.
        """
        use = text_of(timing, "use")
        if stage := _STAGES.get(use):
            return {"stage": stage.value}
        if use != "add_to_boil":
            text = "Is no use that is known: an addition to the boil is taken."
            self._notes.add(f"{path}/use", "use_assumed", text)
        duration, time = (self._minutes(timing, key, path) for key in ("duration", "time"))
        if (step := self._step(timing, path)) is not None:
            if step < self._first_boil:
                self._notes.add(f"{path}/step", "first_wort", "Is before the boil: a first wort addition is taken.")
                return {"stage": Stage.FIRST_WORT.value}
            if not self._boils(step):
                return self._stand(step, time if duration is None else duration, path)
        return self._boil_time(timing, duration, time, path)

    def _minutes(self, item: Mapping[str, Any], key: str, path: str) -> float | None:
        value = amount(item.get(key), MINUTES)
        if value is None and item.get(key) is not None:
            self._notes.add(f"{path}/{key}", "unreadable", "Is no time that can be read, and is left out.")
        return value

    def _boil_time(
        self, timing: Mapping[str, Any], duration: float | None, time: float | None, path: str
    ) -> dict[str, Any]:
        boil = self._boil_minutes
        if timing.get("continuous") is True:
            when = unstated_boil(boil, path, self._notes) if duration is None else {"boil_minutes": duration}
            if "boil_minutes" in when:
                text = "Is added all along: one addition at half of that time is taken."
                self._notes.add(f"{path}/continuous", "continuous", text)
                when["boil_minutes"] /= 2.0
            return when
        if duration is not None:
            return boiled(duration, f"{path}/duration", self._notes)
        if time is None:
            return unstated_boil(boil, path, self._notes)
        self._notes.add(f"{path}/time", "time_as_duration", f"Is taken as boiled for {time:g} minutes.")
        return boiled(time, f"{path}/time", self._notes)

    def _step(self, timing: Mapping[str, Any], path: str) -> int | None:
        """Return the position of the step of the boil that an addition names, from 0; None if it names none."""
        step = timing.get("step")
        if step is None or not self._steps:
            return None
        if isinstance(step, int) and not isinstance(step, bool) and 1 <= step <= len(self._steps):
            return step - 1
        self._notes.add(f"{path}/step", "step_unknown", "Is no step of the boil and is not counted.")
        return None

    def _boils(self, index: int) -> bool:
        """Whether the wort boils in a step from its beginning to its end; without temperatures the name tells."""
        step = self._steps[index]
        stated = [celsius(step.get(key)) for key in ("start_temperature", "end_temperature")]
        temperatures = [temperature for temperature in stated if temperature is not None]
        if not temperatures:
            return not _NO_BOIL.search(text_of(step, "name")[:MAX_NAME_LENGTH])
        return min(temperatures) >= BOILING

    def _stand(self, index: int, minutes: float | None, path: str) -> dict[str, Any]:
        step = self._steps[index]
        start, end = (celsius(step.get(key)) for key in ("start_temperature", "end_temperature"))
        if end is not None and end < CHILLED:  # a step of chilling
            end = end if start is None else (start + end) / 2.0
        stated = {
            "stand_minutes": amount(step.get("step_time"), MINUTES) if minutes is None else minutes,
            "temperature_c": start if end is None else end,
        }
        return stand(stated, f"{path}/step", self._notes)
