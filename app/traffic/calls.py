"""Calls during a rollout: the caller, which version of a canary answers it, and what happens if that fails."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from hashlib import blake2b
from random import random
from typing import Protocol, TypeVar

from app.bundle.manifest import Manifest
from app.models.loaded import LoadedModel
from app.runtime.predictor import on_invalid_output

AnswerT = TypeVar("AnswerT")
Header = Callable[[str], bytes | None]
"""Returns the value of a header by its name in lower case; None if it is missing or repeated."""


class Canary(Protocol):
    """A candidate that answers a share of the calls."""

    sticky: str
    """See `app.bundle.rollout.RolloutSpec.sticky`."""
    salt: bytes
    """Makes the draws of different candidates independent."""
    share: float
    """Share of the calls."""
    candidate: LoadedModel
    """The candidate."""

    def answered(self, fault: str, request_id: bytes) -> None:
        """Count a call of the candidate.

        Args:
            fault: Why the candidate could not answer although the active version did; empty if it could.
            request_id: The call's id.
        """


class Call:
    """A call during a rollout. It is used by one thread at a time."""

    __slots__ = ("_chosen", "_draw", "_header", "_key_id", "request_id")

    def __init__(self, request_id: bytes, key_id: str, header: Header) -> None:
        """Initialize the call.

        Args:
            request_id: The request's id.
            key_id: Id of the caller's key; empty without a key.
            header: Reads the request's headers.
        """
        self.request_id = request_id
        self._key_id = key_id
        self._header = header
        self._draw: float | None = None
        self._chosen: list[Canary] = []

    def is_picked(self, canary: Canary) -> bool:
        """Whether the candidate answers this caller."""
        identity = self._identity(canary.sticky) if canary.sticky else b""
        if identity:
            return bucket(canary.salt, identity) < canary.share
        if self._draw is None:  # the caller cannot be identified: each call is drawn independently
            self._draw = random()  # nosec B311
        return self._draw < canary.share

    def choose(self, canary: Canary) -> None:
        """Note that a candidate answers the call."""
        if canary not in self._chosen:
            self._chosen.append(canary)

    def answer(self, work: Callable[[], AnswerT]) -> AnswerT:
        """Answer the call: by the candidate if it answers this caller, and by the active version if that fails.

        Args:
            work: Answers the call. It may be called twice.

        Raises:
            Exception: That of the active version.
        """
        invalid: list[Manifest] = []
        fault = ""
        token, listener = _current.set(self), on_invalid_output.set(invalid.append)
        try:
            answer = work()
        except Exception as error:
            if not self._chosen:
                raise
            fault = type(error).__name__
        finally:
            on_invalid_output.reset(listener)
            _current.reset(token)
        if any(canary.candidate.manifest is each for canary in self._chosen for each in invalid):
            fault = fault or "an output is not a valid answer"
        if fault:
            answer = work()
        for canary in self._chosen:
            canary.answered(fault, self.request_id)
        return answer

    def _identity(self, sticky: str) -> bytes:
        if sticky == "key":
            return self._key_id.encode()
        return self._header(sticky.removeprefix("header:")) or b""


def bucket(salt: bytes, identity: bytes) -> float:
    """Return a number of at least 0 and below 1 that is the same for the same caller in every process.

    Args:
        salt: Makes the numbers of different candidates independent.
        identity: Identifies the caller.
    """
    return int.from_bytes(blake2b(identity, digest_size=7, key=salt).digest()) / 2**56


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call | None:
    """Return the call that is being answered in this context; None outside of rollouts."""
    return _current.get()


def request_ids_of(requests: Sequence[object], known: Mapping[int, bytes]) -> Sequence[bytes]:
    """Return the id of each row's request; empty if they are unknown, and one id if it is that of all rows.

    Args:
        requests: The request of each row, see `app.models.loaded.Observer`.
        known: Ids of the requests that are answered together, by the `id` of the request's object.
    """
    call = _current.get()
    if call is not None:
        return (call.request_id,)
    return [known.get(id(request), b"") for request in requests]
