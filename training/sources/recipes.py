"""Recipes in the shape of the service's requests, brought into the Punk API's shape, which cleaning reads."""

from collections.abc import Mapping
from typing import Any, cast

from training.sources.base import Recipe


def recipe(row: Mapping[str, Any]) -> Recipe:
    """Return a row as a recipe in the Punk API's shape.

    Args:
        row: A row in that shape, or with the fields of a request: ``hops``, ``malts``, ``yeast``, ``batch_volume_l``.
    """
    result = dict(row)
    hops, malts, yeast = (result.pop(name, None) for name in ("hops", "malts", "yeast"))
    given = {"hops": _items(hops, _hop), "malt": _items(malts, _malt), "yeast": yeast}
    ingredients = {name: value for name, value in given.items() if value is not None}
    if ingredients:
        stated = result.get("ingredients")
        result["ingredients"] = {**(stated if isinstance(stated, dict) else {}), **ingredients}
    litres = result.pop("batch_volume_l", None)
    if litres is not None:
        result["volume"] = {"value": litres, "unit": "litres"}
    return cast(Recipe, result)


def _items(value: Any, convert: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [convert(item) if isinstance(item, dict) else item for item in value]


def _hop(hop: Mapping[str, Any]) -> dict[str, Any]:
    alpha, minutes = hop.get("alpha_acid"), hop.get("boil_minutes")
    return {
        "name": hop.get("name"),
        "amount": {"value": hop.get("amount_g"), "unit": "grams"},
        "add": hop.get("stage") if minutes is None else minutes,
        "attribute": f"{alpha:.10g}% alpha" if isinstance(alpha, int | float) else None,
    }


def _malt(malt: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": malt.get("name"), "amount": {"value": malt.get("amount_kg"), "unit": "kilograms"}}
