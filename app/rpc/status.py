"""Codes: every error of the gRPC door as a status, never with the input in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from grpc import StatusCode

from app.access.guard import rate_limit_headers, retry_after
from app.errors import (
    CallError,
    InputError,
    Limited,
    LimitsUnavailable,
    ModelNotFound,
    ModelNotReady,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    Problem,
    RateExceeded,
    TooLate,
    TooManyFailures,
)

RETRY_AFTER = "retry-after"
"""Trailing metadata: seconds after which the call may come again."""
MOST_PROBLEMS = 20
LONGEST_DETAILS = 2048
"""Bytes; a client takes 8 KB of metadata together."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a call that is refused is answered with; ``reason`` is stable, the words are not."""

    code: StatusCode
    reason: str
    """The same word as at the REST door."""
    details: str


MALFORMED = Status(StatusCode.INVALID_ARGUMENT, "malformed_request", "The message is not what this method takes.")
INVALID = Status(StatusCode.INVALID_ARGUMENT, "invalid_input", "The message was read but its values are wrong.")
NO_KEY = Status(StatusCode.UNAUTHENTICATED, "not_authenticated", "Send a valid key in the metadata x-api-key.")
NO_SCOPE = Status(StatusCode.PERMISSION_DENIED, "not_allowed", "This key is not for this method: it lacks the scope.")
RATE_EXCEEDED = Status(
    StatusCode.RESOURCE_EXHAUSTED, "rate_exceeded", "This key has had as many calls as its rate allows."
)
TOO_MANY_FAILURES = Status(
    StatusCode.RESOURCE_EXHAUSTED,
    "too_many_failures",
    "Too many wrong keys came from this address; a right one is served.",
)
NO_LIMITS = Status(StatusCode.UNAVAILABLE, "limits_unavailable", "The rate of this key cannot be checked now.")
NO_MODEL = Status(StatusCode.NOT_FOUND, "model_not_found", "No model of that name or version is served here.")
NOT_READY = Status(StatusCode.UNAVAILABLE, "not_ready", "The model is not loaded and verified yet.")
OVERLOADED = Status(StatusCode.RESOURCE_EXHAUSTED, "overloaded", "More waits here than can be served soon.")
TOO_LATE = Status(StatusCode.DEADLINE_EXCEEDED, "too_late", "The answer did not come in the time that was given.")
SLOW = Status(StatusCode.DEADLINE_EXCEEDED, "body_timeout", "The message did not arrive in time.")
TOO_LARGE = Status(StatusCode.RESOURCE_EXHAUSTED, "too_large", "The message is larger than this server takes.")
NO_METHOD = Status(StatusCode.UNIMPLEMENTED, "not_found", "There is no such method.")
NO_SERVICE = Status(StatusCode.NOT_FOUND, "not_found", "There is no such service.")
FAULT = Status(
    StatusCode.INTERNAL, "internal_error", "Something went wrong here; the log has it by the metadata x-request-id."
)

STATUSES: dict[type[CallError], Status] = {
    InputError: INVALID,
    NotAuthenticated: NO_KEY,
    NotAllowed: NO_SCOPE,
    Limited: RATE_EXCEEDED,
    RateExceeded: RATE_EXCEEDED,
    TooManyFailures: TOO_MANY_FAILURES,
    LimitsUnavailable: NO_LIMITS,
    ModelNotFound: NO_MODEL,
    ModelNotReady: NOT_READY,
    Overloaded: OVERLOADED,
    TooLate: TOO_LATE,
}
"""This door's table from the error tree to its own codes."""


class CallRefused(Exception):
    """The call is refused without being understood."""

    def __init__(self, status: Status) -> None:
        """Initialize the call refused.

        Args:
            status: What is wrong.
        """
        super().__init__(status.reason)
        self.status = status


def status_of(error: CallError | CallRefused) -> Status:
    """The status for an error."""
    return error.status if isinstance(error, CallRefused) else STATUSES[type(error)]


def details_of(error: CallError | CallRefused) -> str:
    """What a client is told, in ASCII: the status's words and, where data is wrong, field by field why."""
    told = status_of(error).details
    return _bounded(told, error.problems) if isinstance(error, InputError) else told


def _bounded(told: str, problems: Sequence[Problem]) -> str:
    faults = "; ".join(f"{p.field}: {p.reason}" for p in problems[:MOST_PROBLEMS])
    tame = "".join(c if c.isascii() and c.isprintable() else "?" for c in faults or told)
    return tame if len(tame) <= LONGEST_DETAILS else f"{tame[: LONGEST_DETAILS - 3]}..."


def trailing_of(error: CallError | CallRefused) -> tuple[tuple[str, str], ...]:
    """Metadata that goes with a refusal: when to come again, and what is left of a rate."""
    if isinstance(error, CallRefused):
        return ()
    seconds = 1 if isinstance(error, Overloaded) else retry_after(error)
    again = ((RETRY_AFTER, str(seconds)),) if seconds is not None else ()
    return (*again, *rate_limit_headers(error))
