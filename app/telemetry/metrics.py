"""Metrics: families, which are declared once as constants, and the registry, which makes a handle for each series.

There is no global state: each process, and each test, has its own registry.
"""

import logging
import shutil
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.telemetry.folder import remove_if_abandoned
from app.telemetry.handles import Counter, CounterGroup, Gauge, Histogram
from app.telemetry.shared_counters import SPILL, SUFFIX, SharedCounters, claim, others, room_of

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


CALL_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Buckets of the duration of a call, whatever its transport, in seconds."""
DROPPED = Family(
    "metrics_dropped_series_total", "Series that are not counted, because there was no room for them.", "counter"
)
OFF = Family(
    "metrics_off", "1 if the process that answers cannot share its metrics: the figures lack it.", "gauge", merge="max"
)
REPLACEMENTS = Family(
    "worker_replacements_total",
    "Workers that were replaced, by reason: ended, or stalled because the event loop did not turn.",
    "counter",
    ("reason",),
)

Figures = dict[tuple[str, str, str], float]
"""Totals by family name, labels in the text format, and part: empty, ``sum``, or the upper bound of a bucket."""


class Registry:
    """The metrics of this process and of the processes that share a folder with it."""

    def __init__(self, folder: Path | None = None, is_off: bool = False) -> None:
        """Initialize the registry.

        Args:
            folder: Folder shared by the processes whose values are added up; see `claim`. None for a single process.
            is_off: Whether there are other processes, but no folder. Figures are then counted, but not reported.
        """
        self.folder = folder
        """The shared folder."""
        self._counters, self._is_off = _open(folder, is_off)
        self.families: dict[str, Family] = {}
        """The families that have series, by name."""
        self._lock = threading.RLock()  # re-entrant: the garbage collector may call `_disown` at any time
        self._full: set[str] = set()
        self._slots: dict[str, int] = {}
        for slot, (line, _) in enumerate(self._counters.lines(), SPILL):
            self._slots.setdefault(line, slot)
        self._free: dict[int, dict[int, None]] = defaultdict(dict)
        """Slots of the series that are gone, oldest first, by the room for a name."""
        self._owners: dict[int, int] = defaultdict(int)
        """Number of owners by slot, of the slots that have owners."""
        for line, slot in self._slots.items():
            if line.endswith("\t"):  # has one slot, and may be of something that is gone
                self._free[room_of(line)][slot] = None
        self.clear_gauges()  # the process that wrote them is gone
        self._dropped = self.counter(DROPPED)
        if folder is not None or is_off:
            self.gauge(OFF).set(float(self._is_off))
            self.families[REPLACEMENTS.name] = REPLACEMENTS  # counted by the supervisor, reported by the workers

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
        parts = [*(f"{bound:g}" for bound in family.buckets), "+Inf", "sum"] if kind == "histogram" else [""]
        lines = [_line(family, labels, part) for part in parts]
        with self._lock:
            known = [self._slots.get(line) for line in lines]
            first = known[0]
            if first is not None and known == list(range(first, first + len(lines))):
                self._free[room_of(lines[0])].pop(first, None)
                return first
            slot = self._counters.add(lines) or self._reuse(lines)
            if slot == 0:
                self._drop(family)
                return 0
            for index, line in enumerate(lines):
                self._slots[line] = slot + index
            return slot

    def _reuse(self, lines: list[str]) -> int:
        """Take the slot of a series that is gone; 0 if none fits."""
        if len(lines) > 1:
            return 0
        fitting = self._free[room_of(lines[0])]
        for slot in fitting:
            del fitting[slot], self._slots[self._counters.line(slot)]
            self._counters.replace(slot, lines[0])
            return slot
        return 0

    def _drop(self, family: Family) -> None:
        """Count a series for which there is no room, and log it once for each family."""
        if family.name not in self._full:
            self._full.add(family.name)
            _log.error("no room for another series of %s: further ones are not counted", family.name)
        self._dropped.inc()

    def own(self, owner: object, series: Sequence[tuple[Family, tuple[str, ...]]]) -> None:
        """Let later series take the slots of these once their owners are gone, and there is no more room.

        Until then they keep their values.

        Args:
            owner: An object that has the only handles of these series, with other owners of the same series.
            series: Family and labels of each counter or gauge.
        """
        with self._lock:
            slots = [self._slots.get(_line(family, labels, ""), 0) for family, labels in series]
            for slot in filter(None, slots):
                self._free[room_of(self._counters.line(slot))].pop(slot, None)
                self._owners[slot] += 1
        weakref.finalize(owner, self._disown, slots).atexit = False

    def _disown(self, slots: list[int]) -> None:
        with self._lock:
            for slot in filter(None, slots):
                self._owners[slot] -= 1
                if not self._owners[slot]:
                    del self._owners[slot]
                    self._free[room_of(self._counters.line(slot))][slot] = None

    def clear_gauges(self) -> None:
        """Set this process' gauges to 0, for a parent process that serves no requests itself."""
        for slot, (line, _) in enumerate(self._counters.lines(), SPILL):
            if line.startswith("gauge\t"):
                self._counters.values[slot] = 0.0

    def leave(self) -> None:
        """Stop counting at the end of the process; the last process to leave a folder removes it."""
        if self.folder is not None:
            self._counters.release()
            if self._is_off and not list(self.folder.glob(f"*{SUFFIX}")):  # no process could share its metrics
                shutil.rmtree(self.folder, ignore_errors=True)
            remove_if_abandoned(self.folder)

    def read(self) -> Figures:
        """Return the totals over all processes."""
        figures: Figures = {}
        own = self._counters.lines()
        if self._is_off:  # other processes answer, too, and lack these figures: totals would seem to jump
            own = [(line, value) for line, value in own if line == _line(OFF, (), "")]
        self._merge(figures, own, alive=True)
        if self.folder is not None:
            for lines, alive in others(self.folder, self._counters):
                self._merge(figures, lines, alive)
        return figures

    def read_own(self) -> Figures:
        """Return the figures of this process alone."""
        figures: Figures = {}
        self._merge(figures, self._counters.lines(), alive=True)
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


def _open(folder: Path | None, is_off: bool) -> tuple[SharedCounters, bool]:
    """Return the counters of this process, and whether they cannot be shared."""
    if folder is None:
        return SharedCounters(), is_off
    try:
        return claim(folder), False
    except OSError as error:
        _log.error("the metrics of this process are off: cannot share them in %s: %s", folder, error.strerror)
        return SharedCounters(), True


def _line(family: Family, labels: tuple[str, ...], part: str) -> str:
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(family.labels, labels, strict=True))
    return f"{family.kind}\t{family.name}\t{written}\t{part}"


def _sum(one: float, other: float) -> float:
    return one + other


def _earliest(one: float, other: float) -> float:
    return min(one, other) or max(one, other)


_MERGES: dict[str, Callable[[float, float], float]] = {"sum": _sum, "max": max, "age": max, "oldest": _earliest}


def _escaped(value: str) -> str:
    printable = value if value.isprintable() else "".join(c if c.isprintable() else " " for c in value)
    return printable.replace("\\", "\\\\").replace('"', '\\"')
