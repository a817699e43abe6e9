"""Contradictions in a batch, and between the valid values of beers that the schema rejects."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.domains.beer.recipe import problems
from app.domains.beer.schema import EXAMPLE_BEER, MAX_ADDITIONS, MAX_BEERS, MAX_REFERENCE_BEERS, Beer, Hop
from app.errors import Problem

_GRAVITIES = ("target_og", "target_fg")
_NEUTRAL = {name: EXAMPLE_BEER[name] for name in ("abv", *_GRAVITIES)}
"""Stand for required values that are missing or that the schema rejects."""
_HOP = {"name": "any", "amount_g": 0.0, "boil_minutes": 0.0}
"""Stands for a hop that the schema rejects."""


def problems_in_batch(beer: Beer, index: int) -> list[Problem]:
    """Find what is wrong with a beer of a batch that has passed the schema.

    Args:
        beer: The beer.
        index: Its position in the batch.
    """
    result = []
    if beer.explain:
        result.append(Problem(f"beers.{index}.explain", "not_in_batch", "is only available for single beers"))
    if beer.reference is not None:
        reason = "is given once, beside the beers of the batch"
        result.append(Problem(f"beers.{index}.reference", "not_in_batch", reason))
    return [*result, *problems(beer, f"beers.{index}.")]


def contradictions_of_beer(value: object) -> list[Problem]:
    """Find contradictions between the valid values of a beer that the schema rejects.

    Args:
        value: The beer as parsed from JSON.
    """
    beer = _valid_part(value)
    return [*(problems(beer, "") if beer else ()), *_of_reference(value)]


def contradictions_of_batch(value: object) -> list[Problem]:
    """Find what is wrong with the valid values of a batch that the schema rejects.

    Args:
        value: The batch as parsed from JSON.
    """
    beers = value.get("beers") if isinstance(value, Mapping) else None
    found: list[Problem] = []
    if isinstance(beers, list):
        for index, item in enumerate(beers[:MAX_BEERS]):
            beer = _valid_part(item)
            found += problems_in_batch(beer, index) if beer else ()
    return [*found, *_of_reference(value)]


def _of_reference(value: object) -> list[Problem]:
    """Find contradictions between the valid values of reference beers, of a beer or of a batch."""
    items = value.get("reference") if isinstance(value, Mapping) else None
    if not isinstance(items, list):
        return []
    parts = enumerate(map(_valid_part, items[:MAX_REFERENCE_BEERS]))
    return [problem for index, beer in parts if beer for problem in problems(beer, f"reference.{index}.")]


def _valid_part(value: object) -> Beer | None:
    """The beer with neutral values in place of those that are missing or invalid; None if it is no object."""
    if not isinstance(value, dict):
        return None
    try:
        return Beer.model_validate(value)
    except ValidationError as error:
        invalid = {detail["loc"][0] for detail in error.errors(include_input=False, include_url=False) if detail["loc"]}
    kept = {name: item for name, item in value.items() if name not in invalid}
    if not invalid.isdisjoint(_GRAVITIES):
        kept = {name: item for name, item in kept.items() if name not in _GRAVITIES}
    hops = value.get("hops")
    if "hops" in invalid and isinstance(hops, list):
        kept["hops"] = [hop if _is_hop(hop) else _HOP for hop in hops[:MAX_ADDITIONS]]
    try:
        return Beer.model_validate({**_NEUTRAL, **kept})
    except ValidationError:
        return None


def _is_hop(value: Any) -> bool:
    try:
        Hop.model_validate(value)
    except ValidationError:
        return False
    return True
