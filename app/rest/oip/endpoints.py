"""Endpoints of the Open Inference Protocol, their calls, and the options of a call."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope
from typing_extensions import TypedDict

from app.domains.validation import problems_of, repeated
from app.errors import InputError
from app.oip.schema import Parameters
from app.rest.body import check_uncompressed, json_cost, read_body
from app.rest.responses import Header
from app.runtime.json_keys import BOM, may_repeat_keys
from app.runtime.memory_budget import MemoryBudget, Reservation

MAX_OPTIONS_SIZE = 10_000
"""Maximum bytes of a body that holds options, not tensors."""


class IndexOptions(TypedDict, total=False):
    """Options of the repository index."""

    ready: bool
    """Whether to list only versions that can answer."""


class RepositoryOptions(TypedDict, total=False):
    """Options of loading and unloading."""

    parameters: Parameters
    """Parameters: not supported for loading, ignored for unloading."""


INDEX_OPTIONS: TypeAdapter[IndexOptions] = TypeAdapter(IndexOptions)
REPOSITORY_OPTIONS: TypeAdapter[RepositoryOptions] = TypeAdapter(RepositoryOptions)
OptionsT = TypeVar("OptionsT")

Answer = tuple[bytes, bytes, tuple[Header, ...]]
"""Body, media type and additional headers."""
Values = Mapping[str, str]
"""Values of the path's parameters; ``version`` is missing if the path has none."""
Handle = Callable[["Call"], Awaitable[Answer]]


@dataclass(slots=True)
class Call:
    """A request to an endpoint."""

    scope: Scope
    receive: Receive
    values: Values
    memory_budget: MemoryBudget
    reservation: Reservation | None = None
    """What the call holds of the memory budget until its answer has been read."""

    @property
    def model(self) -> str:
        """Name of the model in the path."""
        return self.values["model"]

    @property
    def version(self) -> str | None:
        """Version in the path; None for the active version."""
        return self.values.get("version")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the protocol."""

    method: str
    path: str
    """Template of the path, with ``{model}`` and ``{version}``."""
    name: str
    """Unique name; the OpenAPI operation id."""
    summary: str
    """Title for the documentation."""
    answer: Any
    """Type of the answer as JSON, for the documentation."""
    handle: Handle = field(repr=False)
    """Answers a call."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Regular expression for the paths of this template."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


async def read_options(call: Call, adapter: TypeAdapter[OptionsT]) -> OptionsT:
    """Read the options in a call's body; an empty body has none.

    Args:
        call: The call.
        adapter: Type of the options.

    Raises:
        InputError: If the options are invalid.
        RequestRejected: If the body is compressed; see also `read_body`.
    """
    check_uncompressed(call.scope)
    body, reservation = await read_body(call.scope, call.receive, MAX_OPTIONS_SIZE, call.memory_budget, json_cost)
    text = body.removeprefix(BOM) or b"{}"
    try:
        options = adapter.validate_json(text, strict=True)
        problems = repeated(text) if may_repeat_keys(text, options) else []
    except ValidationError as error:
        problems = problems_of(error)
    finally:
        if reservation is not None:
            reservation.release()
    if problems:
        raise InputError(problems)
    return options
