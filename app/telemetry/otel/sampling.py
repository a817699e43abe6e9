"""Which calls are traced. The decisions are those of the SDK's samplers, which make several objects for each call."""

import random

from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

_LOW_BITS = 64
"""Number of low bits of a trace id that decide."""
_LOW = TraceIdRatioBased.TRACE_ID_LIMIT
_SAMPLED = 1
"""Flag of a ``traceparent``."""


class Sampling:
    """Decides by the name of a sampler."""

    def __init__(self, sampler: str, ratio: float = 1.0) -> None:
        """Create the sampling.

        Args:
            sampler: Name of the sampler, by the specification of the environment variable OTEL_TRACES_SAMPLER.
            ratio: Share of the traces that a sampler with a ratio samples.
        """
        share = {"always_on": 1.0, "always_off": 0.0}.get(sampler.removeprefix("parentbased_"), ratio)
        self._bound = TraceIdRatioBased.get_bound_for_rate(share)
        self._follows_parent = sampler.startswith("parentbased_")
        self._bits = random.Random().getrandbits  # nosec B311  # ids need to be unique, not secret

    def new_trace(self) -> int:
        """Return the id of a new trace, or 0 if the call is not traced."""
        low = self._bits(_LOW_BITS)
        if low >= self._bound:
            return 0
        return self._bits(_LOW_BITS) << _LOW_BITS | low or 1

    def samples(self, trace_id: int, flags: int) -> bool:
        """Return whether a call is traced that belongs to a trace.

        Args:
            trace_id: Id of the trace.
            flags: Flags of the call's ``traceparent``.
        """
        if self._follows_parent:
            return bool(flags & _SAMPLED)
        return trace_id & _LOW < self._bound
