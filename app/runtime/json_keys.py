"""Keys that a JSON object has twice: JSON readers differ in which value they take, and pydantic takes the last one.

Nearly every text is cleared by comparing two numbers: a colon follows each key, so a text with as many colons as its
value has keys repeats none. Only a text with further colons is searched.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

BOM = b"\xef\xbb\xbf"
"""Byte order mark of UTF-8. A reader may ignore it in front of JSON (RFC 8259, 8.1), and some editors write it."""
MAX_FOUND = 20
"""Maximum number of repeated keys that are named."""
_MAX_LOCATED = 1_000_000
"""Position up to which a repeated key is located by its path."""

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_KEYS = re.compile(rb"(%b)(\s*+:)?+|[{}]" % _STRING, re.DOTALL)
_TOKENS = re.compile(rb"(%b)(\s*+:)?+|[{}\[\],]" % _STRING, re.DOTALL)


def key_counter(model: type[BaseModel]) -> Callable[[Any], int]:
    """Return a function that counts the keys of a model's instances, and those of the models in their lists.

    It takes a tenth of a microsecond for an instance without lists. It leaves out what is rare: keys of dictionaries.

    Args:
        model: The model; its fields are named as the keys.
    """
    items = {name: _item_model(field.annotation) for name, field in model.model_fields.items()}
    counters = [(name, key_counter(item)) for name, item in items.items() if item is not None]

    def count_own(value: Any) -> int:
        return len(value.__pydantic_fields_set__)

    def count(value: Any) -> int:
        total, values = len(value.__pydantic_fields_set__), value.__dict__
        for name, count_item in counters:
            if values[name]:
                total += sum(map(count_item, values[name]))
        return total

    return count if counters else count_own


def _item_model(annotation: Any) -> type[BaseModel] | None:
    """The model of which a field holds a list, if it does."""
    for kind in (annotation, *get_args(annotation)):
        item = get_args(kind)[0] if get_origin(kind) is list else None
        if isinstance(item, type) and issubclass(item, BaseModel):
            return item
    return None


def may_repeat_keys(text: bytes, value: object) -> bool:
    """Return whether an object of a JSON text may have a key twice. False is always right.

    Args:
        text: A JSON text.
        value: What it was parsed to, or validated to by a model whose fields are named as the keys.
    """
    colons = text.count(b":")
    return colons > _colons(value) or (colons > 0 and b"\\" in text)


def _colons(value: object) -> int:
    """The number of colons in the shortest JSON text of a value; fewer if the text may hold what the value does not."""
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, BaseModel):
        fields = value.__pydantic_fields_set__
        return len(fields) + sum(_colons(getattr(value, name)) for name in fields)
    if isinstance(value, dict):
        return len(value) + sum(_colons(key) + _colons(item) for key, item in value.items())
    if isinstance(value, list) and value and not isinstance(value[0], int | float):  # tensors are long
        return sum(map(_colons, value))
    return 0


def repeated_keys(text: bytes) -> list[str]:
    """Find the keys that an object has twice.

    Args:
        text: A valid JSON text.

    Returns:
        Their paths, such as ``beers.3.abv``, in the order of the text; of many, the first.
    """
    found: list[re.Match[bytes]] = []
    open_objects: list[set[str]] = []
    for token in _KEYS.finditer(text):
        if token[2] is not None:
            key = _name(token[1])
            if key in open_objects[-1]:
                found.append(token)
                if len(found) == MAX_FOUND:
                    break
            open_objects[-1].add(key)
        elif token[0] == b"{":
            open_objects.append(set())
        elif token[0] == b"}":
            open_objects.pop()
    return list(_paths(text, found))


def _paths(text: bytes, keys: list[re.Match[bytes]]) -> Iterator[str]:
    """The path of each key; beyond a megabyte, where finding it would take long, its name."""
    starts = {key.start() for key in keys if key.start() < _MAX_LOCATED}
    path: list[str | int] = []
    for token in _TOKENS.finditer(text, 0, max((key.end() for key in keys if key.start() in starts), default=0)):
        mark = token[0]
        if token[2] is not None:
            path[-1] = _name(token[1])
            if token.start() in starts:
                yield ".".join(map(str, path))
        elif mark == b"{" or mark == b"[":
            path.append("" if mark == b"{" else 0)
        elif mark == b"}" or mark == b"]":
            path.pop()
        elif mark == b"," and isinstance(path[-1], int):
            path[-1] += 1
    yield from (_name(key[1]) for key in keys if key.start() not in starts)


def _name(key: bytes) -> str:
    name: str = json.loads(key) if b"\\" in key else key[1:-1].decode()
    return name
