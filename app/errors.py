"""Every error that the program raises on purpose, in one tree.

Each door keeps one table from the calls' errors to its own codes; a test holds that none is missing there.

    BeerModelError
    ├── CallError               what a caller can meet
    │   ├── InputError          the data is wrong: field by field, never with the data itself
    │   ├── NotAuthenticated    no key, or none that is known
    │   ├── NotAllowed          the key is known but lacks the scope
    │   ├── Limited             too many calls; says when to come again
    │   │   ├── RateExceeded        ... of this key
    │   │   └── TooManyFailures     ... with wrong keys from this address
    │   ├── LimitsUnavailable   the store of the rate limits does not answer
    │   ├── ModelNotFound       no model of that name or version
    │   ├── ModelNotReady       the model exists but cannot answer yet
    │   ├── Overloaded          as many calls are in work and waiting as may be
    │   └── TooLate             the answer did not come within the caller's time, or the settings'
    ├── StartError              what keeps the program from starting
    │   ├── SettingsError       a setting is missing or wrong
    │   └── BundleError         a bundle is incomplete, altered or of an unknown format
    └── ObjectsError            an object store does not give or take an object
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


class CallError(BeerModelError):
    """What a caller can meet."""


class InputError(CallError):
    """The caller's data is wrong; ``problems`` says where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.reason}" for p in problems))
        self.problems = tuple(problems)


class NotAuthenticated(CallError):
    """The call carries no key, or none that is known."""


class NotAllowed(CallError):
    """The call's key is known but lacks the scope."""


class Limited(CallError):
    """Too many calls; ``seconds`` says when to come again."""

    def __init__(self, quota: int, window: int, seconds: int) -> None:
        super().__init__(f"more than {quota} in {window} s")
        self.quota = quota
        """Calls allowed in a window, ..."""
        self.window = window
        """... seconds that a window lasts, ..."""
        self.seconds = seconds
        """... and seconds until the next begins, at least 1."""


class RateExceeded(Limited):
    """The key has had as many calls as its rate allows."""


class TooManyFailures(Limited):
    """As many wrong keys as are allowed have come from this address."""


class LimitsUnavailable(CallError):
    """The store of the rate limits does not answer, and calls are not to be served without it."""


class ModelNotFound(CallError):
    """No model of that name or version is served."""


class ModelNotReady(CallError):
    """The model exists but cannot answer yet."""


class Overloaded(CallError):
    """As many calls are in work and waiting as may be."""


class TooLate(CallError):
    """The answer did not come within the time that the caller gave, or the settings."""


class StartError(BeerModelError):
    """What keeps the program from starting."""


class SettingsError(StartError):
    """A setting is missing or wrong; the message names it and never shows its value."""


class BundleError(StartError):
    """A bundle is incomplete, altered or of an unknown format; the message names the file and the fault."""


class ObjectsError(BeerModelError):
    """An object store does not give or take an object; the message names the object and the fault."""
