"""Exposition: the metrics in the Prometheus text format, version 0.0.4.

prometheus_client is not used: its multi-process mode keeps global state, takes a lock for each update, and leaves a
file for each process that ever ran.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping

from app.telemetry.metrics import Family, Registry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_CLOCKS = {"age": time.time, "oldest": time.monotonic}


def exposition(registry: Registry) -> bytes:
    """Return the totals over all processes as text, sorted by name and labels.

    Args:
        registry: Any registry of the processes that share a folder.
    """
    series: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for (name, labels, part), value in registry.read().items():
        series[name][labels][part] = value
    lines: list[str] = []
    for name in sorted(series):
        family = registry.families[name]
        lines += (f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}")
        for labels in sorted(series[name]):
            lines += _samples(family, labels, series[name][labels])
    return ("\n".join(lines) + "\n").encode()


def _samples(family: Family, labels: str, parts: Mapping[str, float]) -> Iterator[str]:
    if family.kind == "histogram":
        yield from _histogram(family, labels, parts)
        return
    value = parts[""]
    if family.merge in _CLOCKS:
        value = _CLOCKS[family.merge]() - value if value else float("nan")
    yield f"{family.name}{_braced(labels)} {_formatted(value)}"


def _histogram(family: Family, labels: str, parts: Mapping[str, float]) -> Iterator[str]:
    total = 0.0
    for bound in (*(f"{bound:g}" for bound in family.buckets), "+Inf"):
        total += parts.get(bound, 0.0)
        bucket = f'le="{bound}"'
        yield f"{family.name}_bucket{_braced(labels, bucket)} {_formatted(total)}"
    yield f"{family.name}_sum{_braced(labels)} {_formatted(parts.get('sum', 0.0))}"
    yield f"{family.name}_count{_braced(labels)} {_formatted(total)}"


def _braced(*labels: str) -> str:
    text = ",".join(label for label in labels if label)
    return f"{{{text}}}" if text else ""


def _formatted(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value) if value == value else "NaN"
