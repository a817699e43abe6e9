"""The face of a domain: what it can be asked, in its own words; doors derive their routes and methods from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NotRequired, Protocol, TypeVar

from pydantic import BaseModel
from typing_extensions import TypedDict

from app.errors import CallError
from app.oip.signature import CheckKind

RequestT = TypeVar("RequestT", bound=BaseModel)
AnswerT = TypeVar("AnswerT")
_AskedT = TypeVar("_AskedT", contravariant=True)
_AnsweredT = TypeVar("_AnsweredT", covariant=True)


class ModelRef(TypedDict):
    """Which model answered."""

    name: str
    version: str


class Warning(TypedDict):
    """Something about the input that makes the answer less sure."""

    code: str
    message: str
    field: NotRequired[str]


class Run(Protocol[_AskedT, _AnsweredT]):
    """Answers a valid request."""

    def __call__(self, request: _AskedT, /, version: str | None = None) -> _AnsweredT:
        """Answer one request.

        Args:
                request: What is asked.
                version: The version of the model that shall answer; None: the one that is active. With one given, the
                    call may have to load it first, which takes about a second: doors make it beside the event loop.

        Raises:
            CallError: The data contradicts itself, the model cannot answer, or it has no such version.
        """


@dataclass(frozen=True)
class Upload(Generic[RequestT]):
    """Bodies other than JSON that an operation takes: a file as it is, or as a part of a form."""

    types: tuple[str, ...]
    """Media types of such files: ``image/jpeg``."""
    field: str
    """Name of the file's part in ``multipart/form-data``."""
    request: Callable[[bytes, str], RequestT]
    """Makes a file's bytes a request; beside them comes where they stood, which errors are to name."""


@dataclass(frozen=True)
class Operation(Generic[RequestT, AnswerT]):
    """One thing a domain can be asked."""

    name: str
    """Unique over all domains; becomes the OpenAPI operation id."""
    path: str
    """Path at the REST door."""
    summary: str
    description: str
    request: type[RequestT]
    """Schema of what is asked; validation is strict."""
    answer: type[AnswerT]
    """Schema of the answer: a TypedDict, which costs nothing to fill."""
    answered: str
    """What the answer is, in a few words."""
    run: Run[RequestT, AnswerT]
    """Answers a valid request."""
    size: Literal["one", "many", "file"] = "one"
    """Whether a request holds one item, a batch or a file; bodies are bounded accordingly."""
    run_many: Callable[[Sequence[RequestT]], Sequence[AnswerT | CallError]] | None = None
    """Answers several requests at once, none of them slow, as `run` does each: doors may gather what is there."""
    slow: Callable[[RequestT], bool] | None = None
    """Whether a valid request takes longer than a millisecond: it is then run beside the event loop, in a bounded pool,
    and `run` must be safe to call from several threads. Requests with large bodies are run there in any case."""
    upload: Upload[RequestT] | None = None
    """Bodies other than JSON that it takes."""
    failure: Callable[[str], AnswerT] | None = None
    """Makes a sentence for people the body of a failure, where an older contract has its own; else it is the door's."""


class DomainApi(Protocol):
    """A typed face over bundles."""

    @property
    def models(self) -> Sequence[str]:
        """Names of the bundles it needs."""

    @property
    def operations(self) -> Sequence[Operation[Any, Any]]:
        """What it can be asked."""


def validators_of(domain: DomainApi) -> Mapping[str, CheckKind]:
    """A face's own looks at rows that come over the open protocol, by model: what it declares as ``checks``, if at all.

    Args:
        domain: Of a domain.
    """
    checks: Mapping[str, CheckKind] = getattr(domain, "checks", {})
    return checks
