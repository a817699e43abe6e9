"""The decisions of the sampling are those of the SDK's samplers."""

import random

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from app.telemetry.otel.sampling import Sampling

RATIO = 0.3
SAMPLERS: dict[str, Sampler] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "traceidratio": TraceIdRatioBased(RATIO),
    "parentbased_always_on": ParentBased(ALWAYS_ON),
    "parentbased_always_off": ParentBased(ALWAYS_OFF),
    "parentbased_traceidratio": ParentBased(TraceIdRatioBased(RATIO)),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_decisions_are_those_of_the_sdk(name: str) -> None:
    ours, theirs, bits = Sampling(name, RATIO), SAMPLERS[name], random.Random(1).getrandbits
    for number in range(500):
        trace_id, flags = bits(128), number % 4
        parent = NonRecordingSpan(SpanContext(trace_id, 1, True, TraceFlags(flags)))
        decision = theirs.should_sample(set_span_in_context(parent, Context()), trace_id, "").decision
        assert ours.samples(trace_id, flags) == decision.is_sampled()
        if new := ours.new_trace():
            assert theirs.should_sample(Context(), new, "").decision.is_sampled()


def test_ids_of_new_traces_differ_and_have_128_bits() -> None:
    sampling = Sampling("always_on")
    ids = {sampling.new_trace() for _ in range(1000)}
    assert len(ids) == 1000 and 126 <= max(ids).bit_length() <= 128
