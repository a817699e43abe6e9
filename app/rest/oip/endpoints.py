"""Calls of the protocol: what can be asked at which path, and the options that go with a call."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive, Scope
from typing_extensions import TypedDict

from app.domains.validation import problems_of
from app.errors import InputError
from app.rest.body import read_body
from app.rest.responses import Header

LARGEST_OPTIONS = 10_000
"""Bytes of a body that holds options, not tensors."""


class IndexOptions(TypedDict, total=False):
    """What an index may be narrowed to."""

    ready: bool
    """Only versions that answer."""


class RepositoryOptions(TypedDict, total=False):
    """What goes with loading and unloading."""

    parameters: dict[str, Any]
    """None is served for loading; unloading has no use for any."""


INDEX_OPTIONS: TypeAdapter[IndexOptions] = TypeAdapter(IndexOptions)
REPOSITORY_OPTIONS: TypeAdapter[RepositoryOptions] = TypeAdapter(RepositoryOptions)
OptionsT = TypeVar("OptionsT")

Answer = tuple[bytes, bytes, tuple[Header, ...]]
"""Body, media type, more headers."""
Values = Mapping[str, str]
"""Values of a path's parameters; a version that is not in it is missing."""
Respond = Callable[["Call"], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way."""

    scope: Scope
    receive: Receive
    values: Values

    @property
    def model(self) -> str:
        """From the path."""
        return self.values["model"]

    @property
    def version(self) -> str | None:
        """From the path; None: the active one."""
        return self.values.get("version")


@dataclass(frozen=True)
class Endpoint:
    """One thing that the protocol can be asked."""

    method: str
    path: str
    """Template."""
    name: str
    """Unique; the OpenAPI operation id."""
    summary: str
    respond: Respond = field(repr=False)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What paths of this template look like."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


async def read_options(call: Call, adapter: TypeAdapter[OptionsT]) -> OptionsT:
    """The options in a call's body; an empty body has none.

    Args:
        call: The call.
        adapter: Of the options' type.

    Raises:
        InputError: They are no such options.
        RequestRejected: See `read_body`.
    """
    body = await read_body(call.scope, call.receive, LARGEST_OPTIONS)
    try:
        return adapter.validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        raise InputError(problems_of(error)) from None
