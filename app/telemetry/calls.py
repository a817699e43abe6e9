"""What is noted of a call while it is answered: the rows that the models ran for it, and the span that traces it.

Nothing is noted, and nothing here is called, unless OpenTelemetry or the usage counts are on.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from contextvars import ContextVar
from typing import Literal, NamedTuple

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
    """What is noted of one call. The class has the defaults, so that a call costs only what is noted of it."""

    rows: int = 0
    """Rows that the models ran for the call."""
    trace: Trace | None = None
    """The trace context that is logged and sent on."""
    span: SpanIds | None = None
    """The span of the call; None if it is not recorded."""
    parent: SpanIds | None = None
    """The caller's span, if the call's span is recorded; None if the call has no ``traceparent``."""

    transport: Transport = "http"
    method: str = ""
    """HTTP method, or the fixed verb of gRPC calls. This and what follows is known at the end of the call."""
    route: str = ""
    """Template of the route, or the gRPC method's; empty if none matched."""
    status: int = 0
    """HTTP status, or gRPC code."""
    code: str = ""
    """Name of the gRPC code; empty for HTTP."""
    started: float = 0.0
    """Time of the call, seconds since the epoch."""
    seconds: float = 0.0
    """Duration."""
    key_id: str = ""
    """Id of the API key; empty without one."""


Begin = Callable[[CallNotes, Trace | None], None]
"""Notes that a call begins, given the trace context in its headers. In the event loop; it never raises."""
End = Callable[[CallNotes], None]
"""Notes that a call has ended, of which everything is noted. In the event loop; it never raises."""
_current: ContextVar[tuple[CallNotes, ...]] = ContextVar("calls", default=())


class CallWatch:
    """Notifies the registered parts when a call begins and ends."""

    def __init__(self, begins: Sequence[Begin] = (), ends: Sequence[End] = ()) -> None:
        """Create the watch.

        Args:
            begins: Called at the beginning of each call.
            ends: Called at the end of each call.
        """
        self._begins, self._ends = tuple(begins), tuple(ends)
        self.end: End = self._ends[0] if len(self._ends) == 1 else self._end
        """Ends a call, of which everything is noted."""

    def begin(self, trace: Trace | None) -> CallNotes:
        """Begin a call, in the context of its task, and return its notes.

        Args:
            trace: Trace context in the call's headers.
        """
        notes = CallNotes()
        if trace is not None:
            notes.trace = trace
        for begin in self._begins:
            begin(notes, trace)
        enter(notes.trace)
        _current.set((notes,))
        return notes

    def _end(self, notes: CallNotes) -> None:
        for end in self._ends:
            end(notes)


def current_calls() -> tuple[CallNotes, ...]:
    """Return the calls that the present step answers: several, if their rows run together; none outside of calls."""
    return _current.get()


def is_traced() -> bool:
    """Return whether the present step answers a call whose span is recorded."""
    for call in _current.get():
        if call.span is not None:
            return True
    return False


def join_calls(calls: tuple[CallNotes, ...]) -> None:
    """Let the rest of the present context answer these calls."""
    _current.set(calls)


def note_rows(inputs: Mapping[str, Sized], outputs: object, seconds: float, requests: object) -> None:
    """Note the rows of a run for the present calls, which have equally many; see `app.models.loaded.Observer`."""
    calls = _current.get()
    for values in inputs.values():
        rows = len(values)
        if len(calls) == 1:
            calls[0].rows += rows
        else:
            for call in calls:
                call.rows += rows // len(calls)
        return  # all inputs have as many rows
