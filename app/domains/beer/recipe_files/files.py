"""Reads a recipe file: determines its format from its contents, and reads each of its recipes independently."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from app.domains.beer.recipe_files import beerjson, beerjson_writing, beerxml, brewfather, punk
from app.domains.beer.recipe_files.beerjson_parts import beerjson_of, ibu_estimate
from app.domains.beer.recipe_files.reading import MAX_RECIPES, ReadRecipe, RecipeFileError, check_count
from app.domains.beer.recipe_files.xml_tree import parse_xml
from app.runtime.json_keys import BOM, repeated_keys

ELEMENTS_PER_RECIPE = 2_000
"""Values, objects and arrays of a JSON file for each recipe that it may have; a document of the Punk API has 100."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


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
    if is_xml(contents):
        return [beerxml.read(recipe) for recipe in beerxml.recipes_of(parse_xml(contents), limit)]
    document = parse_json(contents, limit)
    if beerjson.is_beerjson(document):
        recipes = beerjson.recipes_of(document, limit)
        return [beerjson.read(recipe, f"{beerjson.RECIPES}/{index}") for index, recipe in enumerate(recipes)]
    if isinstance(document, list):
        check_count(document, limit, "")
        return [_read_json(recipe, f"/{index}") for index, recipe in enumerate(document)]
    if punk.is_recipe(document) or brewfather.is_recipe(document):
        return [_read_json(document, "")]
    raise RecipeFileError("unknown_format", "", "is JSON, but neither BeerJSON nor of Brewfather or the Punk API")


def _read_json(recipe: Any, path: str) -> ReadRecipe:
    return brewfather.read(recipe, path) if brewfather.is_recipe(recipe) else punk.read(recipe, path)


def as_beerjson(contents: bytes, answers: Sequence[Mapping[str, Any] | None], limit: int = MAX_RECIPES) -> bytes:
    """Return a file as BeerJSON, with the predicted bitterness as the ``ibu_estimate`` of each recipe.

    Args:
        contents: The file: BeerJSON, of which nothing else changes, or BeerXML.
        answers: For each recipe of the file the prediction, or None if there is none.
        limit: Maximum number of recipes.

    Returns:
        The document, in UTF-8. It omits recipes of BeerXML from which no beer can be made.

    Raises:
        RecipeFileError: If the file as a whole cannot be read, or is of Brewfather or the Punk API.
    """
    if is_xml(contents):
        elements = beerxml.recipes_of(parse_xml(contents), limit)
        read = [(beerxml.read(element), element, answer) for element, answer in zip(elements, answers, strict=True)]
        recipes = [
            _estimated(beerjson_writing.recipe_of(element, recipe), answer)
            for recipe, element, answer in read
            if recipe.beer is not None
        ]
        document: Any = beerjson_of(recipes)
    else:
        document = parse_json(contents, limit)
        if not beerjson.is_beerjson(document):
            reason = "cannot leave as BeerJSON: only files of BeerJSON and BeerXML can"
            raise RecipeFileError("not_as_beerjson", "", reason)
        recipes = [
            _estimated(recipe, answer) if isinstance(recipe, Mapping) else recipe
            for recipe, answer in zip(beerjson.recipes_of(document, limit), answers, strict=True)
        ]
        document = {**document, "beerjson": {**document["beerjson"], "recipes": recipes}}
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _estimated(recipe: Mapping[str, Any], answer: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**recipe} if answer is None else {**recipe, "ibu_estimate": ibu_estimate(answer["ibu"])}


def is_xml(contents: bytes) -> bool:
    """Return whether a file is XML rather than JSON, by its first character."""
    if contents.startswith(_UTF_16):
        return contents[:40].decode("utf-16", "replace").lstrip()[:1] == "<"
    return contents.removeprefix(BOM).lstrip()[:1] == b"<"


def parse_json(contents: bytes, limit: int = MAX_RECIPES) -> Any:
    """Parse JSON.

    Args:
        contents: The text, in UTF-8.
        limit: Maximum number of recipes; it bounds the number of elements.

    Raises:
        RecipeFileError: If it is no JSON, has too many elements, or an object has a key twice.
    """
    text = contents.removeprefix(BOM)
    if not text.strip():
        raise RecipeFileError("empty", "", "is empty")
    if text.lstrip()[:1] not in (b"{", b"["):
        raise RecipeFileError("unknown_format", "", "is neither BeerXML nor JSON in UTF-8")
    most = limit * ELEMENTS_PER_RECIPE
    if sum(map(text.count, (b"[", b"{", b","))) > most:  # before they take the time and memory of objects
        raise RecipeFileError("too_many_elements", "", f"has more than {most} elements")
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise RecipeFileError("json_invalid", "", "is not valid JSON") from None
    if repeated := repeated_keys(text):
        path = "".join(f"/{part}" for part in repeated[0].split("."))
        raise RecipeFileError("repeated_key", path, "is given more than once")
    return document
