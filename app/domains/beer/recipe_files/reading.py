"""What reading a recipe file yields: beers as the service takes them, and notes on what was taken for granted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.errors import InputError, Problem

MAX_RECIPES = 100
"""Recipes of one file that are read, unless the caller says otherwise."""
MAX_NAME_LENGTH = 200
"""Characters of a recipe's name that are kept."""
MAX_NOTES = 200
"""Notes on one recipe that are kept."""


@dataclass(frozen=True)
class Note:
    """One remark on an element of a file."""

    path: str
    """Path of the element: ``/RECIPES/RECIPE[1]/OG`` in XML, a JSON Pointer (RFC 6901) in JSON."""
    code: str
    """Stable identifier for programs: ``og_from_grain``."""
    text: str
    """Sentence for people."""


@dataclass(frozen=True)
class ReadRecipe:
    """One recipe of a file."""

    name: str | None
    """Name of the recipe, at most `MAX_NAME_LENGTH` characters; None if it has none."""
    beer: dict[str, object] | None
    """The beer as `POST /predict` takes it; None if none can be made."""
    notes: tuple[Note, ...]
    """What the file did not state, or not plainly, and what was taken for it."""
    error: Note | None
    """Why no beer can be made; None if there is one."""
    stated_ibu: float | None = None
    """Bitterness that the file states, IBU; None if it states none."""


@dataclass
class Notes:
    """Collects the notes on one recipe."""

    base: str
    """Path of the recipe in the file; the paths of the notes begin with it."""
    items: list[Note] = field(default_factory=list)
    """The notes so far."""

    def add(self, path: str, code: str, text: str) -> None:
        """Add a note.

        Args:
            path: Path of the element inside the recipe, such as ``/OG``.
            code: Stable identifier.
            text: Sentence for people.
        """
        if len(self.items) < MAX_NOTES:
            self.items.append(Note(self.base + path, code, text))


class RecipeFileError(InputError):
    """A file as a whole cannot be read."""

    def __init__(self, code: str, path: str, reason: str) -> None:
        """Create the error.

        Args:
            code: Stable identifier for programs: ``unknown_format``.
            path: Path of the element; empty for the whole file.
            reason: Sentence for people. It never quotes the file.
        """
        super().__init__([Problem(path or "file", code, reason)])
        self.code = code
        self.path = path
        self.reason = reason


class NoBeer(Exception):
    """No beer can be made of one recipe."""

    def __init__(self, path: str, code: str, text: str) -> None:
        """Create the error; see `Notes.add`."""
        super().__init__(text)
        self.path = path
        self.code = code
        self.text = text


def unreadable(name: str | None, notes: Notes, error: NoBeer, stated_ibu: float | None = None) -> ReadRecipe:
    """Return a recipe from which no beer can be made.

    Args:
        name: Name of the recipe.
        notes: Notes so far.
        error: Why no beer can be made.
        stated_ibu: Bitterness that the file states, IBU.
    """
    where = Note(notes.base + error.path, error.code, error.text)
    return ReadRecipe(name, None, tuple(notes.items), where, stated_ibu)


def name_of(text: object) -> str | None:
    """Return the name of a recipe, at most `MAX_NAME_LENGTH` characters; None if there is none."""
    return (text.strip()[:MAX_NAME_LENGTH] or None) if isinstance(text, str) else None


def check_count(recipes: Sequence[object], limit: int, path: str) -> None:
    """Check the number of recipes of a file.

    Args:
        recipes: The recipes.
        limit: Maximum number.
        path: Path of the list.

    Raises:
        RecipeFileError: If there are none, or more than `limit`.
    """
    if not recipes:
        raise RecipeFileError("no_recipes", path, "contains no recipe")
    if len(recipes) > limit:
        raise RecipeFileError("too_many_recipes", path, f"contains more than {limit} recipes")
