"""The values of a parsed JSON document, as far as they are what they should be."""

from collections.abc import Mapping
from typing import Any

from app.domains.beer.recipe_files.reading import NoBeer
from app.domains.beer.schema import MAX_ADDITIONS

Item = Mapping[str, Any]
"""A JSON object."""


def text_of(item: Item, key: str) -> str:
    """Return a text; empty if there is none."""
    value = item.get(key)
    return value if isinstance(value, str) else ""


def object_of(item: Item, key: str) -> Item:
    """Return an object; empty if there is none."""
    value = item.get(key)
    return value if isinstance(value, Mapping) else {}


def items_of(item: Item, key: str, base: str = "") -> list[tuple[str, Item]]:
    """Return the objects of a list of ingredients, with their paths.

    Args:
        item: The object that has the list.
        key: Name of the list.
        base: Path of the object.

    Raises:
        NoBeer: If there are more than `MAX_ADDITIONS`, or one is no object.
    """
    items, path = item.get(key), f"{base}/{key}"
    if not isinstance(items, list):
        return []
    if len(items) > MAX_ADDITIONS:
        raise NoBeer(path, "too_many", f"Has more than {MAX_ADDITIONS} entries.")
    for index, entry in enumerate(items):
        if not isinstance(entry, Mapping):
            raise NoBeer(f"{path}/{index}", "not_an_object", "Is not an object.")
    return [(f"{path}/{index}", entry) for index, entry in enumerate(items)]
