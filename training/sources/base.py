"""What all sources share: the recipe type, the interface and reading a whole source."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypedDict

from training.errors import SourceError

Figure = float | str | None
"""A number as stated by a source; CSV files state text. Cleaning converts and checks it."""


class Recipe(TypedDict, total=False):
    """A recipe in the Punk API's shape, before cleaning: every field may be missing and no value is checked."""

    id: int | str | None
    name: str | None
    abv: Figure
    """Alcohol, % vol."""
    ibu: Figure
    """The label: bitterness, IBU."""
    target_og: Figure
    """Original gravity, points (1048)."""
    target_fg: Figure
    """Final gravity, points (1010)."""
    ebc: Figure
    srm: Figure
    ph: Figure
    volume: Any
    """Volume of the finished beer, an object with ``value`` and ``unit``."""
    style: Any
    """Code or name of the style."""
    ingredients: Any
    """Lists of ``malt`` and ``hops``, and the ``yeast``."""


@dataclass(frozen=True)
class RecipeDataset:
    """All recipes of a source, before cleaning."""

    source: str
    """File name or address, without folders, credentials or query."""
    sha256: str
    """Digest of the file's bytes, or of the recipes in canonical JSON if there is no single file."""
    recipes: tuple[Recipe, ...]
    note: str = ""
    """What was read and left out, in words; empty if there is nothing to say."""


class TrainingSource(ABC):
    """Yields recipes."""

    name: str
    """File name or address, without folders, credentials or query."""
    sha256: str | None = None
    """Digest of the file's bytes, set once it is read; None if there is no single file."""
    note: str = ""
    """See `RecipeDataset`; set once all is read."""

    @abstractmethod
    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes in the source's order.

        Raises:
            SourceError: If the recipes cannot be read or are malformed.
        """


def read(source: TrainingSource) -> RecipeDataset:
    """Read all recipes of a source.

    Raises:
        SourceError: If the recipes cannot be read or are malformed, or there are none.
    """
    recipes = tuple(source.recipes())
    if not recipes:
        raise SourceError(f"{source.name}: contains no recipes")
    return RecipeDataset(source.name, source.sha256 or digest(recipes), recipes, source.note)


def digest(recipes: tuple[Recipe, ...]) -> str:
    """Digest of recipes in canonical JSON.

    Args:
        recipes: The recipes.
    """
    return hashlib.sha256(canonical(recipes)).hexdigest()


def canonical(value: Any) -> bytes:
    """Return a value as canonical JSON: equal values give equal bytes.

    Args:
        value: Of JSON's types.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
