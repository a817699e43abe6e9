"""Predictions for the recipes of a file of brewing software, and the errors of those that cannot be read."""

import re
from collections.abc import Callable, Sequence
from itertools import count

from pydantic_core import to_json

from app.batch.answers import Answers, errors_line
from app.domains.beer.file_predictions import BeerPredictor, RecipeProblem, answer_recipes
from app.domains.beer.recipe_files.files import read_recipes
from app.errors import InputError, Problem, TooLate

MAX_BYTES = 8_000_000
"""Maximum size of a recipe file; reading one takes up to 40 times as much memory."""
MAX_RECIPES = 10_000
"""Maximum number of recipes of a file."""
CHUNK_RECIPES = 200
"""Recipes per model call; the time limit is checked between calls."""
_HEAD = 10_000
"""Bytes of a file that show whether it is a recipe file."""
_BEERJSON = re.compile(rb'\{\s*"beerjson"\s*:')
_PUNK = re.compile(rb'\[\s*\{.*?"ingredients"\s*:\s*\{', re.DOTALL)
"""An array whose rows would be rejected: no field of a beer has this name."""
_BEERXML = re.compile(rb"<recipes?[\s/>]", re.IGNORECASE)


def is_recipe_file(data: bytes) -> bool:
    """Return whether a file is BeerXML, BeerJSON or an array of documents of the Punk API, by how it begins.

    Args:
        data: The file.
    """
    head = data[:_HEAD].replace(b"\x00", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n")  # UTF-16, and marks of the order
    if head.startswith(b"<"):
        return bool(_BEERXML.search(head))
    return bool(_PUNK.match(head) if head.startswith(b"[") else _BEERJSON.match(head))


def answer_recipe_file(predictor: BeerPredictor, data: bytes, seconds_left: Callable[[], float]) -> Answers:
    """Predict the recipes of a file, one row for each.

    Args:
        predictor: Answers the beers.
        data: The file.
        seconds_left: Returns the remaining time in seconds.

    Returns:
        The results. A line of the predictions has the row, the recipe's name, the prediction and the notes. A file that
        cannot be read has no rows and one error.

    Raises:
        TooLate: If the time is up before the last recipe.
        CallError: If the model is not available.
    """
    answers = Answers()
    try:
        if len(data) > MAX_BYTES:
            raise InputError([Problem("file", "too_large", f"is a recipe file of more than {MAX_BYTES:,} bytes")])
        recipes = read_recipes(data, MAX_RECIPES)
    except InputError as error:
        answers.errors += errors_line(0, error.problems)
        return answers
    numbers = count(1)
    for start in range(0, len(recipes), CHUNK_RECIPES):
        if seconds_left() <= 0:
            raise TooLate
        for answer in answer_recipes(predictor, recipes[start : start + CHUNK_RECIPES]):
            row = answers.rows = next(numbers)
            if "errors" in answer:
                answers.bad += 1
                answers.errors += errors_line(row, _problems(answer["errors"]))
            else:
                name = {"name": answer["name"]} if "name" in answer else {}
                line = {"row": row, **name, **answer["prediction"], "notes": answer["notes"]}
                answers.predictions += to_json(line, inf_nan_mode="null") + b"\n"
    return answers


def _problems(errors: Sequence[RecipeProblem]) -> list[Problem]:
    return [Problem(error["path"], error["code"], error["reason"]) for error in errors]
