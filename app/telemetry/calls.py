"""What is noted of a call while it is answered: the rows that the models ran for it, and the span that traces it.

Nothing is noted, and nothing here is called, unless OpenTelemetry or the usage counts are on.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol

from app.telemetry.trace import Trace, enter

Transport = Literal["http", "grpc"]


class SpanIds(NamedTuple):
    """Ids of a span that is recorded."""

    trace: int
    """Trace id, 128 bits."""
    span: int
    """Span id, 64 bits."""
    state: str = ""
    """The ``tracestate`` that came with the call."""

    @property
    def context(self) -> Trace:
        """The trace context to send on, in which this span is the parent."""
        return Trace(f"00-{self.trace:032x}-{self.span:016x}-01", self.state)


class CallNotes:
    """The notes on one call."""

    __slots__ = ("parent", "rows", "span", "trace")

    def __init__(self) -> None:
        """Start without any."""
        self.rows = 0
        """Rows that the models ran for the call."""
        self.trace: Trace | None = None
        """The trace context that is logged and sent on."""
        self.span: SpanIds | None = None
        """The span of the call; None if it is not recorded."""
        self.parent: SpanIds | None = None
        """The caller's span; None if the call has no ``traceparent``."""


class CallEnd(NamedTuple):
    """How a call ended."""

    transport: Transport
    method: str
    """HTTP method, or the fixed verb of gRPC calls."""
    route: str
    """Template of the route, or the gRPC method's; empty if none matched."""
    status: int
    """HTTP status, or gRPC code."""
    code: str
    """Name of the gRPC code; empty for HTTP."""
    started: float
    """Time of the call, seconds since the epoch."""
    seconds: float
    """Duration."""
    key_id: str
    """Id of the API key; empty without one."""

    @property
    def is_refused(self) -> bool:
        """Whether the call was answered with a problem, or its client had gone."""
        return self.status >= 400 if self.transport == "http" else self.status != 0


class Watcher(Protocol):
    """Sees every call that a transport answers, in the event loop; takes microseconds and never raises."""

    def begin(self, notes: CallNotes, trace: Trace | None) -> None:
        """Note that a call begins.

        Args:
            notes: The call's notes; `trace` is set to ``trace``.
            trace: Trace context in the call's headers.
        """

    def end(self, notes: CallNotes, end: CallEnd) -> None:
        """Note that a call has ended."""


_current: ContextVar[tuple[CallNotes, ...]] = ContextVar("calls", default=())


class CallWatch:
    """Passes every call to the watchers."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        """Create the watch.

        Args:
            watchers: One or more.
        """
        self._watchers = tuple(watchers)

    def begin(self, trace: Trace | None) -> CallNotes:
        """Begin a call, in the context of its task, and return its notes.

        Args:
            trace: Trace context in the call's headers.
        """
        notes = CallNotes()
        notes.trace = trace
        for watcher in self._watchers:
            watcher.begin(notes, trace)
        enter(notes.trace)
        _current.set((notes,))
        return notes

    def end(self, notes: CallNotes, end: CallEnd) -> None:
        """End a call."""
        for watcher in self._watchers:
            watcher.end(notes, end)


def current_calls() -> tuple[CallNotes, ...]:
    """Return the calls that the present step answers: several, if their rows run together; none outside of calls."""
    return _current.get()


def join_calls(calls: tuple[CallNotes, ...]) -> None:
    """Let the rest of the present context answer these calls."""
    _current.set(calls)


def note_rows(rows: int) -> None:
    """Note that a model ran rows for the present calls, which have equally many."""
    calls = _current.get()
    for call in calls:
        call.rows += rows // len(calls)
