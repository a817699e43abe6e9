"""Trace context of a request (W3C Trace Context): read from its headers, and sent on to the model server.

The client's span id is sent on unchanged, unless `app.telemetry.otel` records spans.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LONGEST_STATE = 512
"""Maximum length of a ``tracestate`` that is sent on: the minimum that the recommendation requires."""

_PARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})"
    r"-(?P<ids>(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_STATE = re.compile(r"[\x20-\x7e]+")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """Trace context of a request."""

    traceparent: str
    """Version 00, trace, parent and flags: 55 characters, ``0-9a-f`` and ``-``."""
    tracestate: str = ""
    """Data of the tracing systems, printable ASCII; may be empty."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Names and values to send on, as HTTP headers or gRPC metadata."""
        state = (("tracestate", self.tracestate),) if self.tracestate else ()
        return ("traceparent", self.traceparent), *state


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def read_trace(headers: Iterable[tuple[bytes, bytes]]) -> Trace | None:
    """Return the trace context in the headers of a request.

    Args:
        headers: Names in lower case, and values.

    Returns:
        The trace context; None if ``traceparent`` is missing, repeated or invalid.
    """
    parents: list[bytes] = []
    states: list[bytes] = []
    for name, value in headers:
        if name == b"traceparent":
            parents.append(value)
        elif name == b"tracestate":
            states.append(value)
    parent = _parent(parents[0].decode("latin-1")) if len(parents) == 1 else ""
    return Trace(parent, _state(states)) if parent else None


def _parent(text: str) -> str:
    """Return a ``traceparent`` in version 00; empty if it is invalid."""
    match = _PARENT.fullmatch(text)
    if match is None:
        return ""
    if match["version"] == "00":
        return "" if match["more"] else text
    return f"00-{match['ids']}-{int(match['flags'], 16) & _SAMPLED:02x}"


def _state(values: Sequence[bytes]) -> str:
    text = b",".join(value.strip() for value in values if value.strip()).decode("latin-1")
    return text if len(text) <= LONGEST_STATE and _STATE.fullmatch(text) else ""


def enter(trace: Trace | None) -> None:
    """Set the trace context of the current request; None for a request without one."""
    if trace is not None or _current.get() is not None:  # a request may start in the context of the previous one
        _current.set(trace)


def current_trace() -> Trace | None:
    """Return the trace context of the current request; None if the client sent none."""
    return _current.get()


@contextmanager
def sent_on(trace: Trace) -> Iterator[None]:
    """Send on another trace context inside."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)
