"""Exposition: the metrics in the Prometheus text format, version 0.0.4, or in that of OpenMetrics, version 1.0.

prometheus_client is not used: its multi-process mode keeps global state, takes a lock for each update, and leaves a
file for each process that ever ran.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping

from app.telemetry.exemplars import Exemplar, Exemplars
from app.telemetry.metrics import Family, Registry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text"
OPEN_METRICS_TYPE = f"{OPEN_METRICS}; version=1.0.0; charset=utf-8"

_CLOCKS = {"age": time.time, "oldest": time.monotonic}


def exposition(registry: Registry) -> bytes:
    """Return the totals over all processes as text, sorted by name and labels.

    Args:
        registry: Any registry of the processes that share a folder.
    """
    return ("\n".join(_lines(registry)) + "\n").encode()


def open_metrics(registry: Registry, exemplars: Exemplars) -> bytes:
    """Return the same as text in the format of OpenMetrics, with the exemplars of this process.

    Args:
        registry: Any registry of the processes that share a folder.
        exemplars: Traced calls.
    """
    return ("\n".join([*_lines(registry, exemplars), "# EOF"]) + "\n").encode()


def _lines(registry: Registry, exemplars: Exemplars | None = None) -> Iterator[str]:
    """Yield the lines, in the format of OpenMetrics if there may be exemplars."""
    series: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for (name, labels, part), value in registry.read().items():
        series[name][labels][part] = value
    for name in sorted(series):
        family = registry.families[name]
        shown = name.removesuffix("_total") if exemplars is not None and family.kind == "counter" else name
        yield f"# HELP {shown} {family.help}"
        yield f"# TYPE {shown} {family.kind}"
        for labels in sorted(series[name]):
            yield from _samples(family, labels, series[name][labels], exemplars)


def _samples(family: Family, labels: str, parts: Mapping[str, float], exemplars: Exemplars | None) -> Iterator[str]:
    if family.kind == "histogram":
        yield from _histogram(family, labels, parts, exemplars)
        return
    yield f"{family.name}{_braced(labels)} {_formatted(current_value(family, parts['']))}"


def current_value(family: Family, value: float) -> float:
    """Return the value of a counter or a gauge at this moment; NaN if it has none.

    Args:
        family: The family.
        value: The value as it is kept.
    """
    if family.merge in _CLOCKS:
        return _CLOCKS[family.merge]() - value if value else float("nan")
    return value


def _histogram(family: Family, labels: str, parts: Mapping[str, float], exemplars: Exemplars | None) -> Iterator[str]:
    total = 0.0
    for bound in (*(f"{bound:g}" for bound in family.buckets), "+Inf"):
        total += parts.get(bound, 0.0)
        bucket = f'le="{bound if exemplars is None else _float(bound)}"'
        exemplar = exemplars.of(family.name, labels, bound) if exemplars is not None else None
        yield f"{family.name}_bucket{_braced(labels, bucket)} {_formatted(total)}{_written(exemplar)}"
    yield f"{family.name}_sum{_braced(labels)} {_formatted(parts.get('sum', 0.0))}"
    yield f"{family.name}_count{_braced(labels)} {_formatted(total)}"


def _written(exemplar: Exemplar | None) -> str:
    if exemplar is None:
        return ""
    return f' # {{trace_id="{exemplar.span.trace:032x}"}} {exemplar.seconds:.9f} {exemplar.time:.3f}'


def _float(bound: str) -> str:
    """Return a bound as OpenMetrics writes numbers: ``1.0`` for ``1``."""
    return bound if bound == "+Inf" else str(float(bound))


def _braced(*labels: str) -> str:
    text = ",".join(label for label in labels if label)
    return f"{{{text}}}" if text else ""


def _formatted(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value) if value == value else "NaN"
