"""The domain API: the requests that a domain answers; transports derive their routes and methods from it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, NamedTuple, NotRequired, Protocol, TypeVar

from pydantic import BaseModel, JsonValue
from typing_extensions import TypedDict

from app.bundle.manifest import Manifest
from app.errors import CallError, Problem
from app.models.loaded import Prepare, Prepared
from app.models.manager import ModelManager
from app.oip.signature import ModelSignature, RowValidator
from app.telemetry.metrics import Registry

RequestT = TypeVar("RequestT", bound=BaseModel)
AnswerT = TypeVar("AnswerT")
JSON_TYPE = "application/json"
_RequestT = TypeVar("_RequestT", contravariant=True)
_AnswerT = TypeVar("_AnswerT", covariant=True)


class ModelRef(TypedDict):
    """The model that answered."""

    name: str
    version: str


class Warning(TypedDict):
    """Something about the input that makes the answer less certain."""

    code: str
    message: str
    field: NotRequired[str]


class Run(Protocol[_RequestT, _AnswerT]):
    """Answers a valid request."""

    def __call__(self, request: _RequestT, /, version: str | None = None) -> _AnswerT:
        """Answer one request.

        Args:
            request: The validated request.
            version: The version of the model that answers; None is the active version. A given version may have to be
                loaded first, which takes about a second: transports make such a call off the event loop.

        Raises:
            CallError: If the data contradicts itself, the model cannot answer, or there is no such version.
        """


class Example(TypedDict):
    """A request for the documentation."""

    summary: str
    """What the request shows, in a few words."""
    value: JsonValue
    """The request."""


class Flag(NamedTuple):
    """Something that can be asked for or not; by default it is not."""

    name: str
    """Name of the flag."""
    description: str
    """Description for the documentation."""


@dataclass(frozen=True)
class Upload(Generic[RequestT]):
    """Request bodies other than JSON: a file as the whole body, or as a part of a form."""

    types: tuple[str, ...]
    """Media types of the files, such as ``image/jpeg``."""
    field: str
    """Name of the file's part in ``multipart/form-data``."""
    request: Callable[..., RequestT]
    """Makes a request from a file's bytes and the name of the field that errors refer to; each flag that is set is a
    keyword argument, True."""
    aliases: tuple[str, ...] = ()
    """Further media types that clients send for such files, registered or not; they are accepted and not advertised.
    Empty: the type is not stated."""
    flags: tuple[Flag, ...] = ()
    """Yes-or-no options sent with the file; query parameters in the REST API."""

    @property
    def is_only_body(self) -> bool:
        """Whether the request has no schema of its own in JSON: a body of JSON is a file as well."""
        return JSON_TYPE in self.types or JSON_TYPE in self.aliases


@dataclass(frozen=True)
class Operation(Generic[RequestT, AnswerT]):
    """A type of request that a domain answers."""

    name: str
    """Name, unique over all domains; the OpenAPI operation id."""
    path: str
    """Path in the REST API."""
    summary: str
    """Title for the documentation."""
    description: str
    """Description for the documentation."""
    request: type[RequestT]
    """Schema of the request; validation is strict."""
    answer: type[AnswerT]
    """Schema of the answer: a TypedDict, which costs nothing to fill."""
    answered: str
    """Description of the answer, in a few words."""
    run: Run[RequestT, AnswerT]
    """Answers a valid request."""
    size: Literal["one", "many", "file"] = "one"
    """Whether a request holds one item, a batch or a file; it selects the limit on the body's size."""
    run_many: Callable[[Sequence[RequestT]], Sequence[AnswerT | CallError]] | None = None
    """Answers several fast requests at once, each as `run` does; transports use it for micro-batching."""
    slow: Callable[[RequestT], bool] | None = None
    """Whether a valid request takes longer than a millisecond. Such a request runs in the thread pool, and `run` must
    be thread-safe. Requests with large bodies run there in any case."""
    long: bool = False
    """Whether requests may take a second in the thread pool. They leave a thread of it to those of other operations."""
    cost: Callable[[RequestT], int] | None = None
    """Estimates the bytes of memory that `run` takes for a valid request, beside the request itself; None: too few to
    count. They are reserved from the memory budget while it runs."""
    contradictions: Callable[[object], Sequence[Problem]] | None = None
    """Finds, in the JSON value of a request that the schema rejects, what `run` would reject as well: the client learns
    of all problems at once. It considers only values that the schema accepts."""
    upload: Upload[RequestT] | None = None
    """Request bodies other than JSON."""
    examples: Mapping[str, Example] = field(default_factory=dict)
    """Requests by name, for the documentation; the first is shown first."""
    failure: Callable[[str], AnswerT] | None = None
    """Makes the body of an error from a sentence, if an older contract has error bodies of its own."""


@dataclass(frozen=True)
class Listing(Generic[AnswerT]):
    """Reference data of a domain, such as the names to choose from: the same for every caller."""

    name: str
    """Name, unique over all domains; the OpenAPI operation id."""
    path: str
    """Path in the REST API."""
    summary: str
    """Title for the documentation."""
    description: str
    """Description for the documentation."""
    answer: type[AnswerT]
    """Schema of the answer: a TypedDict."""
    read: Callable[[], AnswerT]
    """Makes the answer. It depends on the program alone: transports call this once and keep the result."""


class DomainApi(ABC):
    """A typed API over bundles."""

    models: ClassVar[tuple[str, ...]]
    """Names of the bundles that the domain serves."""
    optional: ClassVar[tuple[str, ...]] = ()
    """Those among `models` that the domain can do without, such as a model that an older folder does not have."""

    def __init__(self, manager: ModelManager) -> None:
        """Initialize the domain API.

        Args:
            manager: Owns the loaded models.
        """
        self._manager = manager

    @property
    @abstractmethod
    def operations(self) -> Sequence[Operation[Any, Any]]:
        """The types of request that the domain answers."""

    @property
    def listings(self) -> Sequence[Listing[Any]]:
        """The reference data that the domain publishes; none by default."""
        return ()

    @classmethod
    def prepare(cls, manifest: Manifest, metrics: Registry) -> Prepared:
        """Build what each loaded version needs, once per version; see `LoadedModel.prepared`.

        An object under `app.oip.signature.RowValidator` validates rows that arrive over the Open Inference Protocol.

        Args:
            manifest: Manifest of the version.
            metrics: Registry of the process's metrics.

        Returns:
            The objects by type; none by default.

        Raises:
            ValueError: If the bundle does not fit the domain. The version is then rejected.
        """
        return {}


def preparation(domains: Sequence[type[DomainApi]], metrics: Registry) -> Prepare:
    """What the manager builds for each loaded version: the signature, and what the model's domain needs.

    Args:
        domains: The domains that are served. A model of no domain gets its signature alone.
        metrics: Registry of the process's metrics.
    """
    domain_of = {name: domain for domain in domains for name in domain.models}

    def prepare(manifest: Manifest) -> Prepared:
        domain = domain_of.get(manifest.name)
        return {
            ModelSignature: ModelSignature(manifest),
            RowValidator: RowValidator(),
            **(domain.prepare(manifest, metrics) if domain else {}),
        }

    return prepare
