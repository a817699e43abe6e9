"""Holds a beer made of a recipe against the service's schema: what the schema rejects is left out, or is an error."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from app.domains.beer.hop_condition import typical_of_form, unknown_of_form
from app.domains.beer.ingredients import Hop
from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.recipe import ASSUMED_ALPHA, problems
from app.domains.beer.recipe_files.reading import NoBeer, Notes, ReadRecipe, unreadable
from app.domains.beer.schema import Beer
from app.domains.beer.varieties import find
from app.domains.validation import problems_of

_OPTIONAL = frozenset({"abv", "ebc", "srm", "ph", "boil_volume_l", "malts", "yeast", "style"})
"""Fields without which a beer is still predicted; `hops` and the volume change it too much to be left out."""
_OF_A_HOP = frozenset({"alpha_acid", "form", "temperature_c", "stand_minutes"})
"""Fields without which a hop is still read."""
_NAMES = {"target_og": "original gravity", "target_fg": "final gravity"}


def accepted(
    name: str | None,
    beer: dict[str, Any],
    notes: Notes,
    places: Mapping[str, str],
    stated_ibu: float | None = None,
) -> ReadRecipe:
    """Return a recipe with the beer made of it, as far as the service accepts it.

    Args:
        name: Name of the recipe.
        beer: The beer, as `POST /predict` takes it; an optional field that the schema rejects is left out of it.
        notes: Notes so far.
        places: Path in the recipe by field of the beer (``hops.0``); a field without one is named by itself.
        stated_ibu: Bitterness that the file states, IBU.
    """
    try:
        parsed = _parsed(beer, notes, places)
    except NoBeer as error:
        return unreadable(name, notes, error, stated_ibu)
    for index, hop in enumerate(parsed.hops or ()):
        if hop.alpha_acid is None:
            _note_alpha(hop, _path(f"hops.{index}.alpha_acid", places), notes)
    return ReadRecipe(name, beer, tuple(notes.items), None, stated_ibu)


def _parsed(beer: dict[str, Any], notes: Notes, places: Mapping[str, str]) -> Beer:
    for field, text in _NAMES.items():
        if field not in beer:
            raise NoBeer(_path(field, places), "missing", f"The {text} is not stated, and cannot be computed.")
    try:
        parsed = Beer.model_validate(beer)
    except ValidationError as error:
        for problem in problems_of(error):
            path = _path(problem.field, places)
            if not _left_out(beer, problem.field.split(".")):
                raise NoBeer(path, problem.code, f"Cannot be read: it {problem.reason}.") from None
            notes.add(path, "left_out", f"Is left out: it {problem.reason}.")
        return _parsed(beer, notes, places)
    for problem in problems(parsed, ""):
        raise NoBeer(_path(problem.field, places), problem.code, f"Cannot be read: {problem.reason}.")
    return parsed


def _left_out(beer: dict[str, Any], field: Sequence[str]) -> bool:
    """Leave a field out of a beer; return whether it may be."""
    if field[0] in _OPTIONAL:
        beer.pop(field[0], None)
        return True
    if len(field) == 3 and field[2] in _OF_A_HOP:
        beer["hops"][int(field[1])].pop(field[2], None)
        return True
    return False


def _note_alpha(hop: Hop, path: str, notes: Notes) -> None:
    if variety := find(hop.name):
        alpha, reason = typical_of_form(hop, variety)
        notes.add(path, "alpha_typical", f"States no alpha acid: {alpha:g} %, {reason}, are taken.")
    elif not is_no_hop(hop.name, None):
        alpha = unknown_of_form(hop.form, ASSUMED_ALPHA)
        notes.add(path, "alpha_assumed", f"Is an unknown variety without alpha acid: {alpha:g} % are assumed.")


def _path(field: str, places: Mapping[str, str]) -> str:
    """Path in the recipe of a field: its own, that of what it is a part of, or its name."""
    known = field
    while known and known not in places:
        known = known.rpartition(".")[0]
    return places[known] if known else f"/{field.replace('.', '/')}"
