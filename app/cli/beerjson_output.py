"""Recipe files as one BeerJSON document with the predicted bitterness."""

import json
from collections.abc import Sequence
from typing import Any

from app.cli.recipe_files import MAX_RECIPES, AnsweredFile
from app.domains.beer.recipe_files.files import as_beerjson
from app.errors import InputError

_ROOT = "beerjson"


def beerjson_text(files: Sequence[AnsweredFile]) -> tuple[str, list[str]]:
    """Return files as BeerJSON. Several become one document: their lists are joined, in the order of the files.

    Args:
        files: The files; those that could not be read are left out.

    Returns:
        The document, or an empty string if no file can be converted; and a message for each file that cannot.
    """
    documents: list[dict[str, Any]] = []
    rejected = []
    for file in files:
        if not file.is_readable:
            continue
        try:
            answered = as_beerjson(file.contents, [answer.get("prediction") for answer in file.answers], MAX_RECIPES)
        except InputError as error:
            rejected += [f"{file.name}: {problem.field}: {problem.reason}" for problem in error.problems]
        else:
            documents.append(json.loads(answered))
    if not documents:
        return "", rejected
    return json.dumps(_joined(documents), ensure_ascii=False, indent=2), rejected


def _joined(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    whole, *others = documents
    for document in others:
        for name, value in document[_ROOT].items():
            known = whole[_ROOT].setdefault(name, value)
            if known is not value and isinstance(known, list) and isinstance(value, list):
                known += value
    return whole
