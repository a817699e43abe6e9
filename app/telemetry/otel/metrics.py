"""Metrics for the collector: the figures that this process counts anyway, in the SDK's data model.

The SDK's instruments would count everything a second time, on the way of each call. A point's start is that of the
process: what a worker before it counted in the same shared file is subtracted.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry.sdk.metrics import Exemplar as SdkExemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv._incubating.metrics.rpc_metrics import RPC_SERVER_CALL_DURATION
from opentelemetry.semconv.metrics.http_metrics import HTTP_SERVER_REQUEST_DURATION

from app.telemetry.exemplars import Exemplar, Exemplars
from app.telemetry.exposition import current_value
from app.telemetry.metrics import CALL_SECONDS, Family, Figures, Registry
from app.telemetry.otel.durations import Durations, Series

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_CUMULATIVE = AggregationTemporality.CUMULATIVE
_NO_VALUE = float("nan")


class MetricsReader:
    """Reads the figures of this process."""

    def __init__(
        self,
        registry: Registry,
        durations: Durations,
        exemplars: Exemplars,
        resource: Resource,
        scope: InstrumentationScope,
    ) -> None:
        """Initialize the reader; what was counted before is not reported.

        Args:
            registry: Registry of the process's metrics.
            durations: Durations of calls.
            exemplars: Sampled calls.
            resource: Describes this process.
            scope: Describes the program.
        """
        self._registry = registry
        self._durations = durations
        self._exemplars = exemplars
        self._resource = resource
        self._scope = scope
        self._started = time.time_ns()
        self._before = registry.read_own()

    def read(self) -> MetricsData:
        """Return the present figures."""
        now = time.time_ns()
        metrics = [*self._families(now), *self._call_durations(now)]
        scope_metrics = ScopeMetrics(self._scope, metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope_metrics], "")])

    def _families(self, now: int) -> Iterator[Metric]:
        by_family: dict[str, Figures] = defaultdict(dict)
        for key, value in self._registry.read_own().items():
            by_family[key[0]][key] = value
        for name in sorted(by_family):
            family = self._registry.families[name]
            figures = by_family[name]
            if family.kind == "gauge":
                points = [
                    self._point(now, labels, current_value(family, value)) for (_, labels, _), value in figures.items()
                ]
                yield Metric(name, family.help, "", Gauge([point for point in points if point.value == point.value]))
            elif family.kind == "counter":
                points = [self._point(now, key[1], self._since_start(key, value)) for key, value in figures.items()]
                yield Metric(name, family.help, "", Sum(points, _CUMULATIVE, is_monotonic=True))
            else:
                yield Metric(
                    name, family.help, "", Histogram(list(self._histograms(now, family, figures)), _CUMULATIVE)
                )

    def _since_start(self, key: tuple[str, str, str], value: float) -> float:
        before = self._before.get(key, 0.0)
        return value - before if value >= before else value  # the slot went to another series in between

    def _point(self, now: int, labels: str, value: float) -> NumberDataPoint:
        return NumberDataPoint(_attributes(labels), self._started, now, value)

    def _histograms(self, now: int, family: Family, figures: Figures) -> Iterator[HistogramDataPoint]:
        series: dict[str, dict[str, float]] = defaultdict(dict)
        for key, value in figures.items():
            series[key[1]][key[2]] = self._since_start(key, value)
        for labels, parts in series.items():
            bounds = [*(f"{bound:g}" for bound in family.buckets), "+Inf"]
            counts = [int(parts.get(bound, 0.0)) for bound in bounds]
            exemplars = [self._exemplars.of(family.name, labels, bound) for bound in bounds]
            yield self._histogram(now, _attributes(labels), counts, parts.get("sum", 0.0), family.buckets, exemplars)

    def _call_durations(self, now: int) -> Iterator[Metric]:
        names = {"http": HTTP_SERVER_REQUEST_DURATION, "grpc": RPC_SERVER_CALL_DURATION}
        points: Mapping[str, list[HistogramDataPoint]] = {transport: [] for transport in names}
        for series in self._durations.read():
            points[series.transport].append(self._duration(now, series))
        for transport, name in names.items():
            if points[transport]:
                yield Metric(
                    name, "Duration of the calls that were answered.", "s", Histogram(points[transport], _CUMULATIVE)
                )

    def _duration(self, now: int, series: Series) -> HistogramDataPoint:
        return self._histogram(now, series.attributes, list(series.counts), series.total, CALL_SECONDS, [])

    def _histogram(
        self,
        now: int,
        attributes: Mapping[str, object],
        counts: Sequence[int],
        total: float,
        bounds: Sequence[float],
        exemplars: Sequence[Exemplar | None],
    ) -> HistogramDataPoint:
        return HistogramDataPoint(
            dict(attributes),  # type: ignore[arg-type]
            self._started,
            now,
            sum(counts),
            total,
            counts,
            bounds,
            None,  # type: ignore[arg-type]  # neither is known, and the protocol has both as optional
            None,  # type: ignore[arg-type]
            [_exemplar(each) for each in exemplars if each is not None],
        )


def _exemplar(exemplar: Exemplar) -> SdkExemplar:
    return SdkExemplar({}, exemplar.seconds, int(exemplar.time * 1e9), exemplar.span.span, exemplar.span.trace)


def _attributes(labels: str) -> dict[str, str]:
    return {name: _ESCAPED.sub(r"\1", value) for name, value in _LABEL.findall(labels)}
