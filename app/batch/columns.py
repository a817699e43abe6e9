"""The columns that a table may have, derived from the fields of a request.

A field that is a number, text or a truth value has a column of its name. A field that is a list of objects, such as
``hops``, has a column of its name, with JSON in its cells, and numbered columns for the fields of its items, such as
``hop1_name`` and ``hop1_amount_g``, ``hop2_name``, ...
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from app.batch.cells import Kind
from app.batch.row import singular
from app.domains.quantities import Measured

MAX_NUMBER = 50
"""Largest number in the name of a numbered column."""
_SEPARATORS = re.compile(r"[\s-]+")
_NUMBERED = re.compile(r"([a-z]+)([0-9]{1,3})_([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is known.

    Attributes:
        name: Name of the column.
        kind: Kind of its cells.
        field: Field that it gives, or whose items it gives part of.
        number: Number of the item; 0 for a column that gives the whole field.
        inner: Field of the item.
    """

    name: str
    kind: Kind
    field: str
    number: int = 0
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a table may have."""

    kinds: Mapping[str, Kind]
    """Kind of each field's column."""
    lists: Mapping[str, tuple[str, Mapping[str, Kind]]]
    """By the first part of the name of numbered columns, such as ``hop``: the field, and kinds by its items' fields."""
    required: Collection[tuple[str, ...]] = ()
    """Columns without which no row can be answered: of each group, one."""
    others_kept: bool = False
    """Whether the cells of unknown columns are kept as text; otherwise they may have no values."""
    names: frozenset[str] = field(init=False)
    """Names of the fields."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", frozenset(self.kinds))

    def find(self, header: str) -> Column | None:
        """Find the column that a cell of the header names; letter case, blanks and hyphens make no difference.

        Args:
            header: The cell.

        Returns:
            The column; None if it is not known.
        """
        name = _SEPARATORS.sub("_", header.strip().lower())
        if name in self.kinds:
            return Column(name, self.kinds[name], name)
        match = _NUMBERED.fullmatch(name)
        if match is None:
            return None
        item, number, inner = match[1], int(match[2]), match[3]
        whole, kinds = self.lists.get(item, ("", {}))
        if inner not in kinds or not 1 <= number <= MAX_NUMBER:
            return None
        return Column(f"{item}{number}_{inner}", kinds[inner], whole, number, inner)


def columns_of(
    request: type[BaseModel], extra: Mapping[str, Kind], *, required: bool = True, others_kept: bool = False
) -> Columns:
    """Return the columns for a request.

    Args:
        request: Schema of the request.
        extra: Further columns.
        required: Whether the columns of required fields must be there.
        others_kept: See `Columns`.
    """
    fields = {name: declared.annotation for name, declared in request.model_fields.items()}
    items = {name: model for name, annotation in fields.items() if (model := _item(annotation)) is not None}
    return Columns(
        kinds={**{name: _kind(annotation) for name, annotation in fields.items()}, **extra},
        lists={
            singular(name): (name, {key: _kind(inner.annotation) for key, inner in model.model_fields.items()})
            for name, model in items.items()
        },
        required=_required(request) if required else (),
        others_kept=others_kept,
    )


def _required(request: type[BaseModel]) -> list[tuple[str, ...]]:
    """The fields that a request must have; those of one quantity in several units together."""
    fields = [(name,) for name, declared in request.model_fields.items() if declared.is_required()]
    quantities = request.quantities if issubclass(request, Measured) else ()
    return [*fields, *(quantity.ways for quantity in quantities if quantity.required)]


def _plain(annotation: Any) -> Any:
    """The type itself, of one that may be None or has metadata."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _plain(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _kind(annotation: Any) -> Kind:
    plain = _plain(annotation)
    if not isinstance(plain, type) or get_origin(plain) is not None:
        return "json"
    if issubclass(plain, str):
        return "text"
    if issubclass(plain, bool):
        return "boolean"
    return "number" if issubclass(plain, int | float) else "json"


def _item(annotation: Any) -> type[BaseModel] | None:
    """The schema of the items of a list of objects; None for any other type."""
    plain = _plain(annotation)
    if get_origin(plain) is not list:
        return None
    item = _plain(get_args(plain)[0])
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None
