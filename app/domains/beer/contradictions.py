"""Contradictions in a batch, and between the valid values of beers that the schema rejects."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from app.domains.beer.ingredients import Hop, Malt
from app.domains.beer.recipe import problems
from app.domains.beer.schema import EXAMPLE_BEER, MAX_ADDITIONS, MAX_BEERS, MAX_REFERENCE_BEERS, Beer, ReferenceBeer
from app.domains.quantities import MISSING, TWICE, Measured, found_in
from app.errors import Problem

_GRAVITIES = ("target_og", "target_fg")
_IN_PLATO = {name: f"{name}_plato" for name in _GRAVITIES}
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
    for name in "reference", "coverage", "quantiles":
        if getattr(beer, name) is not None:
            reason = "is given once, beside the beers of the batch"
            result.append(Problem(f"beers.{index}.{name}", "not_in_batch", reason))
    return [*result, *problems(beer, f"beers.{index}.")]


def contradictions_of_beer(value: object) -> list[Problem]:
    """Find contradictions between the valid values of a beer that the schema rejects.

    Args:
        value: The beer as parsed from JSON.
    """
    beer = _valid_part(value)
    return [*_of_quantities(value, ""), *(problems(beer, "") if beer else ()), *_of_reference(value)]


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
            found += [*_of_quantities(item, f"beers.{index}."), *(problems_in_batch(beer, index) if beer else ())]
    return [*found, *_of_reference(value)]


def _of_reference(value: object) -> list[Problem]:
    """Find contradictions between the valid values of reference beers, of a beer or of a batch."""
    items = value.get("reference") if isinstance(value, Mapping) else None
    if not isinstance(items, list):
        return []
    found: list[Problem] = []
    for index, item in enumerate(items[:MAX_REFERENCE_BEERS]):
        beer, prefix = _valid_part(item), f"reference.{index}."
        found += [*_of_quantities(item, prefix, ReferenceBeer), *(problems(beer, prefix) if beer else ())]
    return found


def _of_quantities(beer: object, prefix: str, schema: type[Measured] = Beer) -> Iterator[Problem]:
    """Find quantities given twice or not at all in those parts of a beer that the schema rejects for other reasons.

    The schema compares the quantities of a part once each of its fields is valid.
    """
    if not isinstance(beer, dict):
        return
    parts: list[tuple[type[Measured], object, str]] = [(schema, beer, prefix)]
    for field, item_schema in ("hops", Hop), ("malts", Malt):
        items = beer.get(field)
        if isinstance(items, list):
            parts += [(item_schema, it, f"{prefix}{field}.{index}.") for index, it in enumerate(items[:MAX_ADDITIONS])]
    for part, value, path in parts:
        if isinstance(value, dict) and (found := found_in(part, value)) and not _has_compared(part, value):
            yield from (Problem(f"{path}{field}", code, reason) for field, code, reason in found)


def _has_compared(part: type[Measured], value: dict[str, Any]) -> bool:
    """Whether the schema itself rejects the quantities of a part."""
    fields = {(quantity.field,) for quantity in part.quantities}
    try:
        part.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        return any(detail["loc"] in fields and detail["type"] in (MISSING, TWICE) for detail in details)
    return False


def _valid_part(value: object) -> Beer | None:
    """The beer with neutral values in place of those that are missing or invalid; None if it is no object."""
    if not isinstance(value, dict):
        return None
    try:
        return Beer.model_validate(value)
    except ValidationError as error:
        invalid = {detail["loc"][0] for detail in error.errors(include_input=False, include_url=False) if detail["loc"]}
    invalid.update(field for field, _, _ in found_in(Beer, value))
    kept = {name: item for name, item in value.items() if name not in invalid and item is not None}
    if not invalid.isdisjoint([*_IN_PLATO, *_IN_PLATO.values()]):
        kept = {name: item for name, item in kept.items() if name not in _IN_PLATO and name not in _IN_PLATO.values()}
    hops = value.get("hops")
    if "hops" in invalid and isinstance(hops, list):
        kept["hops"] = [hop if _is_hop(hop) else _HOP for hop in hops[:MAX_ADDITIONS]]
    neutral = {name: item for name, item in _NEUTRAL.items() if _IN_PLATO.get(name) not in kept}
    try:
        return Beer.model_validate({**neutral, **kept})
    except ValidationError:
        return None


def _is_hop(value: Any) -> bool:
    try:
        Hop.model_validate(value)
    except ValidationError:
        return False
    return True
