"""The trace that a call belongs to (W3C Trace Context): read from its headers, kept for whoever sends the call on.

The caller's own span is passed on as it came: this program records no spans, and what stands between would be missing.
"""

import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

LONGEST_STATE = 512
"""Characters of ``tracestate`` that are passed on; the recommendation asks for as many at least."""

_PARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})"
    r"-(?P<ids>(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_STATE = re.compile(r"[\x20-\x7e]+")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A call's place in a trace."""

    traceparent: str
    """Version 00, trace, parent and flags: 55 characters, ``0-9a-f`` and ``-``."""
    tracestate: str = ""
    """What the systems on the way added, printable ASCII; empty for nothing."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Names and values to send on, over HTTP as headers or over gRPC as metadata."""
        state = (("tracestate", self.tracestate),) if self.tracestate else ()
        return ("traceparent", self.traceparent), *state


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def read_trace(headers: Iterable[tuple[bytes, bytes]]) -> Trace | None:
    """The trace that headers tell of.

    Args:
        headers: Names in lower case, and values.

    Returns:
        The trace; None where ``traceparent`` is missing, sent twice or invalid, whatever ``tracestate`` says.
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
    """The same in version 00, which is the one that is spoken here; empty where it is invalid."""
    found = _PARENT.fullmatch(text)
    if found is None:
        return ""
    if found["version"] == "00":
        return "" if found["more"] else text
    return f"00-{found['ids']}-{int(found['flags'], 16) & _SAMPLED:02x}"


def _state(values: Sequence[bytes]) -> str:
    text = b",".join(value.strip() for value in values if value.strip()).decode("latin-1")
    return text if len(text) <= LONGEST_STATE and _STATE.fullmatch(text) else ""


def enter(trace: Trace | None) -> None:
    """Let what follows in this context, up to the next call, belong to a trace, or to none."""
    if trace is not None or _current.get() is not None:  # one request may begin in the context of another
        _current.set(trace)


def current_trace() -> Trace | None:
    """The trace that the present call belongs to; None where the caller told of none."""
    return _current.get()
