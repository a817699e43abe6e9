"""Reads a recipe file: tells its format by its contents, and reads each of its recipes by itself."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from app.domains.beer.recipe_files import punk
from app.domains.beer.recipe_files.reading import MAX_RECIPES, ReadRecipe, RecipeFileError, check_count
from app.runtime.json_keys import BOM


def read_recipes(contents: bytes, limit: int = MAX_RECIPES) -> list[ReadRecipe]:
    """Read the recipes of a file.

    Args:
        contents: The file.
        limit: Maximum number of recipes.

    Returns:
        The recipes in the file's order; one from which no beer can be made carries an error and hides no other.

    Raises:
        RecipeFileError: If the file as a whole cannot be read.
    """
    document = _parse_json(contents)
    if not isinstance(document, list):
        return [punk.read(document, "")]
    check_count(document, limit, "")
    return [punk.read(item, f"/{index}") for index, item in enumerate(document)]


def _parse_json(contents: bytes) -> Any:
    text = contents.removeprefix(BOM)
    if text.lstrip()[:1] not in (b"{", b"["):
        raise RecipeFileError("unknown_format", "", "is neither BeerXML nor JSON")
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise RecipeFileError("json_invalid", "", "is not valid JSON") from None
    if isinstance(document, Mapping) and not _is_punk(document):
        raise RecipeFileError("unknown_format", "", "is JSON, but neither BeerJSON nor a document of the Punk API")
    return document


def _is_punk(document: Mapping[str, Any]) -> bool:
    return "ingredients" in document or "target_og" in document
