"""Every error that the program raises on purpose, in one tree.

Each door keeps one table from these classes to its own codes; a test holds that no class is missing there.

    BeerModelError
    ├── InputError            the caller's data is wrong: field by field, never with the data itself
    ├── ModelNotFound         no model of that name or version
    ├── ModelNotReady         the model exists but cannot answer yet
    └── BundleError           a bundle on disk is incomplete, altered or of an unknown format
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BeerModelError(Exception):
    """Base of all errors that the program raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a caller's data."""

    field: str
    """Path of the field, its parts joined by dots: ``beers.3.abv``; ``body`` for the whole."""
    code: str
    """A stable word for programs: ``missing``, ``greater_than_equal``, ``gravities_swapped``."""
    reason: str
    """A sentence for people. It never repeats the value."""


class InputError(BeerModelError):
    """The caller's data is wrong; ``problems`` says where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.reason}" for p in problems))
        self.problems = tuple(problems)


class ModelNotFound(BeerModelError):
    """No model of that name or version is served."""


class ModelNotReady(BeerModelError):
    """The model exists but cannot answer yet."""


class BundleError(BeerModelError):
    """A bundle is incomplete, altered or of an unknown format; the message names the file and the fault."""
