"""Every error that the program raises on purpose, in one tree.

`app.problem_types` holds what each error of a call means over HTTP and over gRPC.

    BeerModelError
    ├── CallError               a call fails
    │   ├── InputError          the input is invalid
    │   ├── NotAuthenticated    the API key is missing or unknown
    │   ├── NotAllowed          the API key lacks the scope
    │   ├── Limited             there are too many calls
    │   │   ├── RateExceeded        of this API key
    │   │   └── TooManyFailures     with invalid API keys from this address
    │   ├── LimitsUnavailable   the store of the rate limits does not respond
    │   ├── ModelNotFound       the model or the version does not exist
    │   ├── ModelNotReady       the model cannot answer yet
    │   ├── Overloaded          too many calls are running and waiting
    │   ├── LabelConflict       there is another label of the same request
    │   ├── LabelsUnavailable   labels cannot be stored
    │   ├── TooLarge            the input alone needs more memory than all calls may take
    │   └── TooLate             the answer did not arrive in time
    ├── StartError              the program cannot start
    │   ├── SettingsError       a setting is missing or invalid
    │   └── BundleError         a bundle is incomplete, altered or of an unknown format
    ├── ObjectsError            an object store does not read or write an object
    │   └── ObjectRejected          nor will it at another try
    ├── RecordsError            records cannot be read
    └── ScoringError            files cannot be scored
"""

from collections.abc import Sequence
from dataclasses import dataclass


class BeerModelError(Exception):
    """Base of all errors that the program raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a client's input."""

    field: str
    """Path of the field, its parts joined by dots: ``beers.3.abv``; ``body`` for the whole input."""
    code: str
    """Stable identifier for programs: ``missing``, ``greater_than_equal``, ``gravities_swapped``."""
    reason: str
    """Sentence for people. It never contains the value."""


class CallError(BeerModelError):
    """A call fails; the client learns why."""


class InputError(CallError):
    """The client's input is invalid."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Create the error.

        Args:
            problems: The problems of the input, by field.
        """
        super().__init__("; ".join(f"{problem.field}: {problem.reason}" for problem in problems))
        self.problems = tuple(problems)


class NotAuthenticated(CallError):
    """The API key is missing or unknown."""


class NotAllowed(CallError):
    """The API key lacks the scope for the call."""


class Limited(CallError):
    """There are too many calls."""

    def __init__(self, quota: int, window: int, seconds: int) -> None:
        """Create the error.

        Args:
            quota: Number of calls that are allowed in a window.
            window: Length of a window in seconds.
            seconds: Seconds until the next window begins, at least 1.
        """
        super().__init__(f"more than {quota} in {window} s")
        self.quota = quota
        self.window = window
        self.seconds = seconds


class RateExceeded(Limited):
    """The API key has exceeded its rate limit."""


class TooManyFailures(Limited):
    """Too many invalid API keys were sent from this address."""


class LimitsUnavailable(CallError):
    """The store of the rate limits does not respond, and calls must not be answered without it."""


class ModelNotFound(CallError):
    """The model or the version does not exist."""


class ModelNotReady(CallError):
    """The model exists but cannot answer yet."""


class InvalidOutput(ModelNotReady):
    """The model's output is not a valid answer; the message names the output and contains no value."""


class Overloaded(CallError):
    """Too many calls are running and waiting."""


class LabelConflict(CallError):
    """There is another label of the same request, key and kind."""


class LabelsUnavailable(CallError):
    """Labels cannot be stored, such as on a full disk; the message gives the system's reason."""


class TooLarge(CallError):
    """The input alone needs more memory than all calls together may take."""


class TooLate(CallError):
    """The answer did not arrive within the client's deadline, or the configured one."""


class StartError(BeerModelError):
    """The program cannot start."""


class SettingsError(StartError):
    """A setting is missing or invalid; the message names the setting and never contains its value."""


class BundleError(StartError):
    """A bundle is incomplete, altered or of an unknown format; the message names the file and the reason."""


class ObjectsError(BeerModelError):
    """An object store does not read or write an object; the message names the object and the reason."""


class ObjectRejected(ObjectsError):
    """An object can never be read or written: it is too large, or its name is invalid."""


class RecordsError(BeerModelError):
    """Records cannot be read; the message names the file and the reason."""


class ScoringError(BeerModelError):
    """Files cannot be scored: one cannot be found, or the output cannot be written."""
