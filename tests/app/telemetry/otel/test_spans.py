"""Which calls are traced, what is sent on of them, and the attributes of their spans."""

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from app.telemetry.calls import CallNotes, CallWatch, current_calls
from app.telemetry.otel.sampling import Sampling
from app.telemetry.otel.spans import Tracing
from app.telemetry.trace import Trace, current_trace

SAMPLED, UNSAMPLED = (Trace(f"00-{'a' * 32}-{'b' * 16}-0{flag}", "vendor=1") for flag in (1, 0))


class Sink:
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


def tracing(sampler: str = "parentbased_always_on", ratio: float = 1.0) -> tuple[Tracing, Sink]:
    made = Tracing(Sampling(sampler, ratio), Resource({}), InstrumentationScope("test"))
    sink = Sink()
    made.sink = sink
    return made, sink


def begun(made: Tracing, trace: Trace | None) -> CallNotes:
    notes = CallNotes()
    notes.trace = trace
    made.begin(notes, trace)
    return notes


def end(notes: CallNotes | None = None, **changes: Any) -> CallNotes:
    notes = notes or CallNotes()
    call = {"method": "POST", "route": "/predict", "status": 200, "started": 1000.0, "seconds": 0.5, **changes}
    for name, value in call.items():
        setattr(notes, name, value)
    return notes


@pytest.mark.parametrize(
    ("sampler", "alone", "with_sampled", "with_unsampled"),
    [
        ("always_on", True, True, True),
        ("always_off", False, False, False),
        ("parentbased_always_on", True, True, False),
        ("parentbased_always_off", False, True, False),
        ("traceidratio", True, True, True),
        ("parentbased_traceidratio", True, True, False),
    ],
)
def test_each_sampler_decides_as_its_name_says(
    sampler: str, alone: bool, with_sampled: bool, with_unsampled: bool
) -> None:
    made, _ = tracing(sampler)
    decisions = [begun(made, trace).span is not None for trace in (None, SAMPLED, UNSAMPLED)]
    assert decisions == [alone, with_sampled, with_unsampled]


@pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
def test_a_ratio_is_the_share_of_the_traces(sampler: str) -> None:
    made, _ = tracing(sampler, 0.1)
    assert 0.085 < sum(begun(made, None).span is not None for _ in range(10_000)) / 10_000 < 0.115


def test_a_traced_call_sends_on_its_own_span_and_another_one_that_it_is_not_sampled() -> None:
    made, _ = tracing()
    notes = begun(made, SAMPLED)
    assert notes.span is not None and notes.trace is not None
    assert notes.trace == Trace(f"00-{'a' * 32}-{notes.span.span:016x}-01", "vendor=1")
    off, _ = tracing("always_off")
    assert begun(off, SAMPLED).trace == Trace(f"00-{'a' * 32}-{'b' * 16}-00", "vendor=1")
    assert begun(off, None).trace is None


def test_a_watched_call_is_the_present_one_until_the_next_begins() -> None:
    made, _ = tracing()
    watch = CallWatch([made.begin])
    first = watch.begin(None)
    assert current_calls() == (first,) and current_trace() == first.trace
    second = watch.begin(UNSAMPLED)
    assert current_calls() == (second,) and current_trace() == UNSAMPLED


@pytest.mark.parametrize(
    ("call", "name", "attributes"),
    [
        (
            {},
            "POST /predict",
            {"http.request.method": "POST", "http.route": "/predict", "http.response.status_code": 200},
        ),
        (
            {"method": "BREW", "route": "", "status": 404},
            "HTTP",
            {"http.request.method": "_OTHER", "http.response.status_code": 404},
        ),
        (
            {"status": 503},
            "POST /predict",
            {
                "http.request.method": "POST",
                "http.route": "/predict",
                "http.response.status_code": 503,
                "error.type": "503",
            },
        ),
        (
            {"status": 499},
            "POST /predict",
            {"http.request.method": "POST", "http.route": "/predict", "error.type": "499"},
        ),
        (
            {"transport": "grpc", "method": "GRPC", "route": "/a.B/C", "status": 3, "code": "INVALID_ARGUMENT"},
            "a.B/C",
            {"rpc.system.name": "grpc", "rpc.method": "a.B/C", "rpc.response.status_code": "INVALID_ARGUMENT"},
        ),
        (
            {"transport": "grpc", "method": "GRPC", "route": "", "status": 13, "code": "INTERNAL"},
            "grpc",
            {
                "rpc.system.name": "grpc",
                "rpc.method": "_OTHER",
                "rpc.response.status_code": "INTERNAL",
                "error.type": "INTERNAL",
            },
        ),
    ],
)
def test_spans_have_the_names_and_attributes_of_the_conventions(
    call: dict[str, Any], name: str, attributes: dict[str, object]
) -> None:
    made, sink = tracing()
    made.end(end(begun(made, SAMPLED), **call))
    span = sink.spans[0]
    assert span.name == name
    assert dict(span.attributes or {}) == {**attributes, **({"url.scheme": "http"} if "transport" not in call else {})}
    assert span.status.is_ok == ("error.type" not in attributes)
    assert (span.start_time, span.end_time) == (1_000_000_000_000, 1_000_500_000_000)


def test_a_run_that_fails_is_an_error_and_one_outside_of_calls_is_no_span() -> None:
    made, sink = tracing()
    made.run_model(lambda: None, ("beer", "1"), 1)
    assert not sink.spans
    CallWatch([made.begin]).begin(None)

    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        made.run_model(fail, ("beer", "1"), 1)
    assert [(span.name, span.status.is_ok) for span in sink.spans] == [("infer beer", False)]


def test_unknown_methods_share_a_series_of_durations() -> None:
    made, _ = tracing()
    for number in range(100):
        made.durations.observe(end(method=f"BREW{number}"))
    assert [sum(series.counts) for series in made.durations.read()] == [100]
