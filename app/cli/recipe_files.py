"""Finds the recipe files that a command names, and predicts their recipes without a server."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domains.beer.file_predictions import BeerPredictor, RecipeAnswer, answer_recipes
from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_files.reading import ReadRecipe
from app.errors import InputError

STDIN = "-"
"""Name that stands for standard input."""
SUFFIXES = frozenset({".xml", ".beerxml", ".json", ".beerjson"})
"""Suffixes of the files that are read in a folder."""
MAX_BYTES = 100_000_000
"""Maximum size of a file."""
MAX_RECIPES = 100_000
"""Maximum number of recipes of a file."""
CHUNK_RECIPES = 200
"""Recipes that are predicted at once."""


@dataclass(frozen=True, slots=True)
class AnsweredFile:
    """A file and the answers for its recipes."""

    name: str
    """Path of the file, as it was named or found."""
    contents: bytes
    """The file; empty if it could not be read."""
    answers: Sequence[RecipeAnswer]
    """One answer for each recipe; a single one with errors if the file as a whole cannot be read."""
    is_readable: bool = True
    """Whether the file as a whole could be read."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file and its recipes."""

    name: str
    """Path of the file, as it was named or found."""
    contents: bytes
    """The file; empty if it could not be read."""
    recipes: Sequence[ReadRecipe] = ()
    """Its recipes."""
    error: RecipeAnswer | None = None
    """Why the file as a whole cannot be read."""


def find_files(names: Sequence[str]) -> list[str]:
    """Return the files that a command names, and those in the folders that it names, at any depth.

    Args:
        names: Paths of files and folders, or `STDIN`.
    """
    found: list[str] = []
    for name in names:
        if name != STDIN and os.path.isdir(name):
            inside = (path for path in Path(name).rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
            found += map(str, sorted(inside))
        else:
            found.append(name)
    return found


def answer_files(
    predictor: BeerPredictor,
    names: Sequence[str],
    explain: bool,
    done: Callable[[int], None],
    coverage: Sequence[float] = (),
) -> Iterator[AnsweredFile]:
    """Predict the recipes of files, one after the other.

    Args:
        predictor: Answers the beers.
        names: Paths of the files, or `STDIN`.
        explain: Whether to explain each prediction.
        done: Called with the number of files processed so far.
        coverage: Coverages of the intervals to add to each prediction.

    Yields:
        The files, in the order of `names`.
    """
    waiting: list[ReadFile] = []
    for count, name in enumerate(names, start=1):
        waiting.append(read_file(name))
        if count == len(names) or sum(len(file.recipes) for file in waiting) >= CHUNK_RECIPES:
            yield from _answered(predictor, waiting, explain, coverage)
            waiting = []
        done(count)


def _answered(
    predictor: BeerPredictor, files: Sequence[ReadFile], explain: bool, coverage: Sequence[float]
) -> Iterator[AnsweredFile]:
    recipes = [recipe for file in files for recipe in file.recipes]
    answers = iter(answer_recipes(predictor, recipes, explain, coverage=coverage))
    for file in files:
        if file.error is not None:
            yield AnsweredFile(file.name, file.contents, [file.error], is_readable=False)
        else:
            yield AnsweredFile(file.name, file.contents, [next(answers) for _ in file.recipes])


def read_file(name: str) -> ReadFile:
    """Read the recipes of a file.

    Args:
        name: Path of the file, or `STDIN`.
    """
    try:
        contents = _contents(name)
    except OSError as error:
        return ReadFile(name, b"", error=_error("file", "unreadable", error.strerror or type(error).__name__))
    if len(contents) > MAX_BYTES:
        return ReadFile(name, b"", error=_error("file", "too_large", f"has more than {MAX_BYTES:,} bytes"))
    try:
        return ReadFile(name, contents, read_recipes(contents, MAX_RECIPES))
    except InputError as error:
        (problem, *_) = error.problems
        return ReadFile(name, contents, error=_error(problem.field, problem.code, problem.reason))


def _contents(name: str) -> bytes:
    if name == STDIN:
        if sys.stdin is None:
            raise OSError(0, "standard input is closed")
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    with open(name, "rb") as file:
        return file.read(MAX_BYTES + 1)


def _error(path: str, code: str, reason: str) -> RecipeAnswer:
    return {"notes": [], "errors": [{"path": path, "code": code, "reason": reason}]}
