"""Metrics: families, which are declared once as constants, and the registry, which makes a handle for each series.

There is no global state: each process, and each test, has its own registry.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.telemetry.folder import remove_if_abandoned
from app.telemetry.handles import Counter, CounterGroup, Gauge, Histogram
from app.telemetry.shared_counters import SPILL, SharedCounters, claim, others

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family: all series with one name."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...] = ()
    """Names of the labels."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, ascending, without infinity."""
    merge: Literal["sum", "max", "age", "oldest"] = "sum"
    """How the values of several processes become one.

    ``age``: seconds since the latest of these timestamps; ``oldest``: seconds since the earliest of these moments of
    the monotonic clock, where 0 is none.
    """


Figures = dict[tuple[str, str, str], float]
"""Totals by family name, labels in the text format, and part: empty, ``sum``, or the upper bound of a bucket."""


class Registry:
    """The metrics of this process and of the processes that share a folder with it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Initialize the registry.

        Args:
            folder: Folder shared by the processes whose values are added up; see `claim`. None for a single process.
        """
        self.folder = folder
        """The shared folder."""
        self._counters = SharedCounters() if folder is None else claim(folder)
        self.families: dict[str, Family] = {}
        """The families that have series, by name."""
        self._lock = threading.Lock()
        self._slots: dict[str, int] = {}
        for slot, (line, _) in enumerate(self._counters.lines(), SPILL):
            self._slots.setdefault(line, slot)
        self.clear_gauges()  # the process that wrote them is gone

    def counter(self, family: Family, *labels: str) -> Counter:
        """Return the handle of a counter.

        Args:
            family: A family of counters.
            labels: Values of the family's labels, from a bounded set: never text that a client chose.

        Returns:
            The handle. The same labels lead to the same series.
        """
        return Counter(self._counters, self._slot(family, "counter", labels))

    def counters(self, family: Family, labels: Sequence[tuple[str, ...]]) -> CounterGroup:
        """Return the handle of several counters, which are addressed by their index in ``labels``.

        Args:
            family: A family of counters.
            labels: Label values of each counter; see `counter`.
        """
        return CounterGroup(self._counters, [self._slot(family, "counter", values) for values in labels])

    def gauge(self, family: Family, *labels: str) -> Gauge:
        """Return the handle of a gauge.

        Args:
            family: A family of gauges.
            labels: See `counter`.
        """
        return Gauge(self._counters, self._slot(family, "gauge", labels))

    def histogram(self, family: Family, *labels: str) -> Histogram:
        """Return the handle of a histogram.

        Args:
            family: A family of histograms.
            labels: See `counter`.
        """
        return Histogram(self._counters, self._slot(family, "histogram", labels), family.buckets)

    def _slot(self, family: Family, kind: str, labels: tuple[str, ...]) -> int:
        """Return the first slot of a series. A histogram has one for each bucket, one for infinity and one for the sum.

        The slot is 0, which is never read, if the shared counters are full.
        """
        if family.kind != kind:
            raise ValueError(f"{family.name} is a {family.kind}, not a {kind}")
        self.families[family.name] = family
        written = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(family.labels, labels, strict=True))
        parts = [*(f"{bound:g}" for bound in family.buckets), "+Inf", "sum"] if kind == "histogram" else [""]
        lines = [f"{kind}\t{family.name}\t{written}\t{part}" for part in parts]
        with self._lock:
            known = [self._slots.get(line) for line in lines]
            first = known[0]
            if first is not None and known == list(range(first, first + len(lines))):
                return first
            slot = self._counters.add(lines)
            if slot == 0:
                _log.error("no room for another series of %s: it is not counted", family.name)
            for index, line in enumerate(lines):
                self._slots[line] = slot + index
            return slot

    def clear_gauges(self) -> None:
        """Set this process' gauges to 0, for a parent process that serves no requests itself."""
        for slot, (line, _) in enumerate(self._counters.lines(), SPILL):
            if line.startswith("gauge\t"):
                self._counters.values[slot] = 0.0

    def leave(self) -> None:
        """Stop counting at the end of the process; the last process to leave a folder removes it."""
        if self.folder is not None:
            self._counters.release()
            remove_if_abandoned(self.folder)

    def read(self) -> Figures:
        """Return the totals over all processes."""
        figures: Figures = {}
        self._merge(figures, self._counters.lines(), alive=True)
        if self.folder is not None:
            for lines, alive in others(self.folder, self._counters):
                self._merge(figures, lines, alive)
        return figures

    def _merge(self, figures: Figures, lines: list[tuple[str, float]], alive: bool) -> None:
        for line, value in lines:
            kind, name, labels, part = line.split("\t")
            family = self.families.get(name)
            if family is None or family.kind != kind or not (alive or kind != "gauge"):
                continue
            merged = _MERGES[family.merge]
            key = (name, labels, part)
            figures[key] = merged(figures[key], value) if key in figures else value


def _sum(one: float, other: float) -> float:
    return one + other


def _earliest(one: float, other: float) -> float:
    return min(one, other) or max(one, other)


_MERGES: dict[str, Callable[[float, float], float]] = {"sum": _sum, "max": max, "age": max, "oldest": _earliest}


def _escaped(value: str) -> str:
    printable = value if value.isprintable() else "".join(c if c.isprintable() else " " for c in value)
    return printable.replace("\\", "\\\\").replace('"', '\\"')
