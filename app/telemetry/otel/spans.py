"""Spans: one for each sampled call, and one for each run of a model in it.

The SDK's batch processor and exporter take the spans. A span is made when it has ended, from the times that the access
log takes anyway: `Tracer.start_span` and `Span.end` cost 12 µs for a sampled call and 3.5 µs for one that is not, this
costs 4 and 0.6 µs.
"""

import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Protocol, TypeVar

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from app.telemetry.calls import CallNotes, SpanIds, current_calls
from app.telemetry.exemplars import Exemplar, Exemplars
from app.telemetry.otel.conventions import OTHER, Attributes, attributes_of, known_method, rpc_method
from app.telemetry.otel.durations import Durations
from app.telemetry.otel.sampling import Sampling
from app.telemetry.trace import Trace, sent_on

MODEL_NAME = "beer_model.model.name"
MODEL_VERSION = "beer_model.model.version"
MODEL_ROWS = "beer_model.model.rows"
MODEL_CALLS = "beer_model.model.calls"
"""Number of calls whose rows ran together."""

_NO_CONTEXT = nullcontext()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_ERROR, _UNSET = Status(StatusCode.ERROR), Status(StatusCode.UNSET)


ResultT = TypeVar("ResultT")


class SpanSink(Protocol):
    """Takes the spans that have ended; never waits."""

    def on_end(self, span: ReadableSpan) -> None:
        """See `opentelemetry.sdk.trace.SpanProcessor.on_end`."""


class Tracing:
    """A watcher that makes spans and durations of calls. Until a sink is set, the spans are dropped."""

    def __init__(self, sampling: Sampling, resource: Resource, scope: InstrumentationScope) -> None:
        """Initialize the tracing.

        Args:
            sampling: Decides which calls are traced.
            resource: Describes this process.
            scope: Describes the program.
        """
        self._sampling = sampling
        self._resource = resource
        self._scope = scope
        self._bits = random.Random().getrandbits  # nosec B311  # ids need to be unique, not secret
        self.sink: SpanSink | None = None
        """Takes the spans."""
        self.durations = Durations()
        """Durations of all calls, sampled or not."""
        self.exemplars = Exemplars()
        """Sampled calls by their duration."""

    def begin(self, notes: CallNotes, trace: Trace | None) -> None:
        """Decide whether a call is traced; see `app.telemetry.calls.Begin`."""
        if trace is None:
            trace_id = self._sampling.new_trace()
            if trace_id:
                notes.span = SpanIds(trace_id, self._bits(64) or 1)
                notes.trace = notes.span.context
            return
        _, trace_hex, span_hex, flags = trace.traceparent.split("-")
        trace_id = int(trace_hex, 16)
        if self._sampling.samples(trace_id, int(flags, 16)):
            notes.parent = SpanIds(trace_id, int(span_hex, 16), trace.tracestate)
            notes.span = SpanIds(trace_id, self._bits(64) or 1, trace.tracestate)
            notes.trace = notes.span.context
        elif flags != "00":  # the call's parent stays the caller, and what we call learns that it is not sampled
            notes.trace = Trace(f"{trace.traceparent[:-2]}00", trace.tracestate)

    def end(self, call: CallNotes) -> None:
        """Count a call's duration, and make its span if it is traced; see `app.telemetry.calls.End`."""
        self.durations.observe(call)
        ids = call.span
        if ids is None:
            return
        attributes = attributes_of(call)
        ended = call.started + call.seconds
        label = "route" if call.transport == "http" else "method"
        self.exemplars.note(
            f"{call.transport}_request_duration_seconds",
            f'{label}="{call.route or "unmatched"}"',
            self.durations.bounds,
            Exemplar(ids, call.seconds, ended),
        )
        is_error = ERROR_TYPE in attributes
        self._send(
            _name(call), ids, call.parent, SpanKind.SERVER, (call.started, ended), attributes, is_error=is_error,
            is_remote=True,
        )  # fmt: skip

    def run_model(
        self,
        run: Callable[[], ResultT],
        model: tuple[str, str],
        rows: int,
        client: Attributes | None = None,
    ) -> ResultT:
        """Run a model, and make a span of it for each traced call that it answers.

        Args:
            run: Runs the model.
            model: Name and version of the model.
            rows: Number of rows.
            client: Attributes of the call to a model server, if the model runs there.
        """
        calls = current_calls()
        traced = [call.span for call in calls if call.span is not None]
        if not traced:
            return run()
        spans = [(parent, SpanIds(parent.trace, self._bits(64) or 1, parent.state)) for parent in traced]
        started, clock, is_error = time.time(), time.perf_counter(), True
        try:
            with sent_on(spans[0][1].context) if client else _NO_CONTEXT:
                result = run()
            is_error = False
            return result
        finally:
            times = started, started + time.perf_counter() - clock
            attributes: Attributes = {
                MODEL_NAME: model[0],
                MODEL_VERSION: model[1],
                MODEL_ROWS: rows,
                MODEL_CALLS: len(calls),
                **(client or {}),
            }
            kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
            for parent, ids in spans:
                self._send(f"infer {model[0]}", ids, parent, kind, times, attributes, is_error=is_error)

    def _send(
        self,
        name: str,
        ids: SpanIds,
        parent: SpanIds | None,
        kind: SpanKind,
        times: tuple[float, float],
        attributes: Attributes,
        *,
        is_error: bool,
        is_remote: bool = False,
    ) -> None:
        if self.sink is None:
            return
        started, ended = times
        self.sink.on_end(
            ReadableSpan(
                name,
                SpanContext(ids.trace, ids.span, False, _SAMPLED),
                SpanContext(parent.trace, parent.span, is_remote, _SAMPLED) if parent else None,
                self._resource,
                attributes,
                kind=kind,
                status=_ERROR if is_error else _UNSET,
                start_time=int(started * 1e9),
                end_time=int(ended * 1e9),
                instrumentation_scope=self._scope,
            )
        )


def _name(call: CallNotes) -> str:
    if call.transport == "grpc":
        return rpc_method(call.route) if call.route else "grpc"
    method = known_method(call.method)
    method = "HTTP" if method == OTHER else method
    return f"{method} {call.route}" if call.route else method
