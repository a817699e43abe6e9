"""Cleans the records of a delivery: each becomes a line of the table ``cleaned``, is dropped, or fails, with a reason.

The result depends on the record's bytes and its time of arrival alone, so a record may come again, late or twice.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from app.domains.beer.cleaning import CleanedBeer, clean
from app.domains.beer.inputs import VITAL_INPUTS, names
from app.domains.beer.recipe_files.punk import request_of
from app.domains.beer.schema import MAX_ADDITIONS, Beer
from app.domains.validation import problems_of
from app.runtime.json_keys import repeated_keys

RECEIVED = "received"
"""Field of a cleaned beer: when the stream got it, UTC."""
STYLE = "style"
_STATED = ("batch_volume_l", "hops", "malts", "yeast")
"""Fields of a request that tell more than the figures; a record may have them instead of ``ingredients``."""

COLUMNS = ("id", "name", "ibu", *names(VITAL_INPUTS), *_STATED, STYLE, RECEIVED)
"""Columns of the table ``cleaned``, in order."""
_EXACT = 2.0**53
"""Whole numbers above may differ from the ones that were stated, and have up to 309 digits."""
_log = logging.getLogger(__name__)

Kind = Literal["clean", "dropped", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record."""

    kind: Kind
    reason: str = ""
    """Of a dropped beer the cleaning rule; of a failed record why it is no beer. It has nothing of the record."""
    line: bytes = b""
    """The cleaned beer as a line of JSON, with its end."""


def transform(data: bytes, received: str | None = None, label_required: bool = True) -> Outcome:
    """Clean one record.

    Args:
        data: The record: a beer in the shape of the Punk API or of a request, as JSON.
        received: When it was received, as RFC 3339.
        label_required: See `app.domains.beer.cleaning.clean`.
    """
    try:
        return _transform(data, received, label_required)
    except Exception as error:  # one record must not make the others fail
        _log.error("a record cannot be cleaned: %s", type(error).__name__)
        return Outcome("failed", "unexpected")


def _transform(data: bytes, received: str | None, label_required: bool) -> Outcome:
    try:
        beer = from_json(data)
    except ValueError:
        return Outcome("failed", "not_json")
    if not isinstance(beer, dict):
        return Outcome("failed", "not_an_object")
    if repeated_keys(data):
        return Outcome("failed", "repeated_key")
    cleaned = clean(beer, label_required)
    if cleaned.dropped_by:
        return Outcome("dropped", cleaned.dropped_by)
    if any(len(entries) > MAX_ADDITIONS for entries in _lists(beer)):  # before they are read
        return Outcome("failed", "too_many_ingredients")
    request = _request(beer, cleaned)
    try:
        Beer.model_validate(request)
    except ValidationError as error:
        problem = problems_of(error)[0]
        return Outcome("failed", f"{_known_part(problem.field)}:{problem.code}")
    return Outcome("clean", line=_line(beer, cleaned, request, received))


def _request(beer: Mapping[str, Any], cleaned: CleanedBeer) -> dict[str, Any]:
    """Return the body of ``POST /predict`` for a cleaned beer."""
    request = request_of({**beer, **_stated(cleaned)})
    for name in _STATED:
        if beer.get(name) is not None:
            request[name] = beer[name]
    if isinstance(beer.get(STYLE), str) and beer[STYLE]:
        request[STYLE] = beer[STYLE]
    return request


def _stated(cleaned: CleanedBeer) -> dict[str, float | None]:
    return {name: None if value != value else value for name, value in cleaned.figures.items()}


def _lists(beer: Mapping[str, Any]) -> list[list[Any]]:
    ingredients = beer.get("ingredients")
    given = [ingredients.get(name) for name in ("hops", "malt")] if isinstance(ingredients, dict) else []
    return [entries for entries in (*given, beer.get("hops"), beer.get("malts")) if isinstance(entries, list)]


def _known_part(path: str) -> str:
    """The first part of a field's path, if it is a field of a request: a record's own words stay out of logs."""
    first = path.partition(".")[0]
    return first if first in Beer.model_fields else "beer"


def _line(beer: Mapping[str, Any], cleaned: CleanedBeer, request: dict[str, Any], received: str | None) -> bytes:
    label = cleaned.figures["ibu"]
    values = {
        **request,
        "id": text_of(beer.get("id")),
        "name": text_of(beer.get("name")),
        "ibu": None if label != label else label,
        RECEIVED: received,
    }
    return to_json({name: values[name] for name in COLUMNS if values.get(name) is not None}) + b"\n"


def text_of(value: object) -> str | None:
    """Return an id or a name as text; None if it is neither text nor a number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(value)
    return str(value) or None
