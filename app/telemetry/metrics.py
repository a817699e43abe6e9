"""Metrics: families of series, and the registry that hands out a place for each; no global state.

Whoever counts binds its series once and then adds to their places: ``values[place] += 1.0``. That is one bytecode after
another without a call between them, so in CPython, where threads change only at calls and jumps, none is lost when
several threads count; a test holds that.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.telemetry.folder import remove_if_abandoned
from app.telemetry.shared_counters import SPILL, SharedCounters, claim, others

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Family:
    """Series of one name."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """A histogram's upper bounds, without infinity."""
    merge: Literal["sum", "max", "age"] = "sum"
    """What several processes' gauges make together; ``age``: seconds since the latest of these moments."""


Figures = dict[tuple[str, str, str], float]
"""By family's name, labels as they are written, and part: empty, ``sum``, or a bucket's upper bound."""


class Registry:
    """All figures of this process, and of those that share a folder with it."""

    def __init__(self, folder: Path | None = None) -> None:
        """Initialize the registry.

        Args:
            folder: Shared by processes that add up to one total; see `claim`. None: this process is alone.
        """
        self.folder = folder
        """The folder that it shares."""
        self._sheet = SharedCounters() if folder is None else claim(folder)
        self.values = self._sheet.values
        """Values by place."""
        self.array = self._sheet.array
        """The same memory as an array."""
        self.families: dict[str, Family] = {}
        """What is counted, by name."""
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        for place, (line, _) in enumerate(self._sheet.lines(), SPILL):
            self._places.setdefault(line, place)
        self.clear_gauges()  # the process that had the sheet before is gone

    def place(self, family: Family, *labels: str) -> int:
        """The place of one series; for a histogram the first of several: a bucket a bound, one for infinity, the sum.

        Args:
            family: Its family.
            labels: Values of the family's labels, a bounded set: never what a caller made up.

        Returns:
            The place; always the same for the same arguments.
        """
        self.families[family.name] = family
        written = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(family.labels, labels, strict=True))
        parts = [*(f"{bound:g}" for bound in family.bounds), "+Inf", "sum"] if family.kind == "histogram" else [""]
        lines = [f"{family.kind}\t{family.name}\t{written}\t{part}" for part in parts]
        with self._lock:
            known = [self._places.get(line) for line in lines]
            first = known[0]
            if first is not None and known == list(range(first, first + len(lines))):
                return first
            place = self._sheet.add(lines)
            if place == 0:
                _log.error("no room for another series of %s", family.name)
            for number, line in enumerate(lines):
                self._places[line] = place + number
            return place

    def clear_gauges(self) -> None:
        """Say nothing of this process: for a parent that serves nothing itself, and does not follow what changes."""
        for place, (line, _) in enumerate(self._sheet.lines(), SPILL):
            if line.startswith("gauge\t"):
                self.values[place] = 0.0

    def leave(self) -> None:
        """Count no more, at the process' end; the last that leaves a folder removes it."""
        if self.folder is not None:
            self._sheet.release()
            remove_if_abandoned(self.folder)

    def read(self) -> Figures:
        """The totals of all processes."""
        figures: Figures = {}
        self._merge(figures, self._sheet.lines(), lives=True)
        if self.folder is not None:
            for lines, lives in others(self.folder, self._sheet):
                self._merge(figures, lines, lives)
        return figures

    def _merge(self, figures: Figures, lines: list[tuple[str, float]], lives: bool) -> None:
        for line, value in lines:
            kind, name, labels, part = line.split("\t")
            family = self.families.get(name)
            if family is None or family.kind != kind or not (lives or kind != "gauge"):
                continue
            merged: Callable[[float, float], float] = _sum if family.merge == "sum" else max
            key = (name, labels, part)
            figures[key] = merged(figures[key], value) if key in figures else value


def _sum(one: float, other: float) -> float:
    return one + other


def _escaped(value: str) -> str:
    tame = value if value.isprintable() else "".join(c if c.isprintable() else " " for c in value)
    return tame.replace("\\", "\\\\").replace('"', '\\"')
