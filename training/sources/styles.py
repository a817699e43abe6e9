"""Adds styles, which stand in a file of their own, to recipes that do not state them."""

import csv
from pathlib import Path

from training.errors import SourceError
from training.sources.base import Recipe, RecipeDataset, digest

_COLUMNS = {"id", "style_id"}


def add_styles(dataset: RecipeDataset, file: Path) -> RecipeDataset:
    """Add the styles of a file to the recipes with its ids.

    Args:
        dataset: The recipes.
        file: CSV with the columns ``id`` and ``style_id``, a code or name of a style; empty where it is not known.

    Raises:
        SourceError: If the file cannot be read or lacks a column.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if not _COLUMNS <= set(reader.fieldnames or ()):
                raise SourceError(f"{file.name}: a file of styles has the columns {' and '.join(sorted(_COLUMNS))}")
            styles = {row["id"]: row["style_id"] for row in reader if row["style_id"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{file.name}: cannot be read as a file of styles: {type(error).__name__}") from None
    recipes = tuple(_styled(recipe, styles.get(str(recipe.get("id")))) for recipe in dataset.recipes)
    return RecipeDataset(f"{dataset.source} with {file.name}", digest(recipes), recipes)


def _styled(recipe: Recipe, style: str | None) -> Recipe:
    return recipe if style is None or recipe.get("style") is not None else {**recipe, "style": style}
