"""Metrics of online quality, computed from time to time in a child process of one worker, if there are new labels."""

import json
import logging
import os
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.labels.reading import KIND
from app.labels.report import existing, report_of
from app.telemetry.handles import Gauge
from app.telemetry.metrics import Family, Registry

if sys.platform != "win32":  # where a program has no workers
    import fcntl

LOCK = "feedback-quality.lock"
INTERVAL = 60.0
"""Seconds between two checks for new labels."""
MAX_AGE = 3600.0
"""Seconds after which figures are computed again even without new labels: their window moves, records arrive later."""
MAX_SECONDS = 600.0
"""Maximum duration of the child process, seconds."""
_NICENESS = 19

_PART = ("model", "version", "kind", "band")
_BOUND = (*_PART, "bound")
LABELS = Family(
    "quality_labels", "Labels in the window, by version, kind and band of IBU.", "gauge", _PART, merge="max"
)
BEERS = Family("quality_beers", "Different beers among these labels.", "gauge", _PART, merge="max")
MISSED = Family(
    "quality_coverage_missed",
    "1 if the interval covers less of the labels than it promises, by more than chance.",
    "gauge",
    _PART,
    merge="max",
)
PROMISED = Family(
    "quality_promised_coverage_ratio", "What the interval promises to cover.", "gauge", _PART, merge="max"
)
MAE = Family(
    "quality_mean_absolute_error_ibu", "Mean absolute error, and its 95 % interval, IBU.", "gauge", _BOUND, merge="max"
)
BIAS = Family(
    "quality_bias_ibu", "Mean of answer less label, and its 95 % interval, IBU.", "gauge", _BOUND, merge="max"
)
COVERAGE = Family(
    "quality_coverage_ratio",
    "Share of labels inside the interval that was answered, and its 95 % interval.",
    "gauge",
    _BOUND,
    merge="max",
)
_FIGURES = {"mae": MAE, "bias": BIAS, "coverage": COVERAGE}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """What the figures are computed from."""

    labels: Path
    """Folder of the labels."""
    paths: Sequence[str]
    """Where labels and records are; see `app.labels.report.report_of`."""
    models: Path
    """Folder of the bundles."""
    days: float
    """Length of the window in days."""
    s3_endpoint: str = ""
    """Address of an S3-compatible store; empty: AWS."""


class QualityWatcher:
    """Sets the metrics; see `app.lifecycle.Component`. The process that has the lock does, and no other."""

    def __init__(self, sources: Sources, metrics: Registry) -> None:
        """Initialize the watcher.

        Args:
            sources: What the figures are computed from.
            metrics: Registry of the process's metrics.
        """
        self._sources = sources
        self._metrics = metrics
        self._gauges: dict[tuple[Family, tuple[str, ...]], Gauge] = {}
        self._lock = -1
        self._seen: object = None
        self._age = 0.0
        self._ended = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="quality", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and the child process if there is one."""
        self._ended.set()
        child = self._child
        if child is not None:
            with suppress(OSError):
                child.kill()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.look()
            except Exception as error:  # the metrics must not end because of a file
                self._note_failure(f"{type(error).__name__}: {error}")
            self._ended.wait(INTERVAL)

    def look(self) -> None:
        """Compute the figures, if this process has the lock and there are new labels, or the figures are old."""
        if not self._has_lock():
            return
        seen = self._state()
        self._age += INTERVAL
        if seen == self._seen and self._age < MAX_AGE:
            return
        report = self._computed() if seen else {"figures": []}
        if report is not None:
            self._seen, self._age = seen, 0.0
            self.publish(report["figures"])

    def _has_lock(self) -> bool:
        if self._lock >= 0 or sys.platform == "win32":
            return True
        try:
            descriptor = os.open(self._sources.labels / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:  # there is no folder yet
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._lock = descriptor  # the lock ends with the process
        return True

    def _state(self) -> frozenset[tuple[str, int]]:
        """Names and sizes of the files of labels."""
        with os.scandir(self._sources.labels) as entries:
            return frozenset(
                (entry.name, entry.stat().st_size)
                for entry in entries
                if entry.name.startswith(KIND) and entry.name.endswith((".jsonl", ".gz"))
            )

    def _computed(self) -> dict[str, Any] | None:
        """Run the child process; None if it fails."""
        sources = self._sources
        request = {
            "paths": list(sources.paths),
            "models": str(sources.models),
            "days": sources.days,
            "s3_endpoint": sources.s3_endpoint,
        }
        child = subprocess.Popen(  # nosec B603
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._child = child
        if self._ended.is_set():
            child.kill()
        try:
            output, errors = child.communicate(json.dumps(request).encode(), MAX_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            self._note_failure(f"it took longer than {MAX_SECONDS:g} s")
            return None
        finally:
            self._child = None
        if child.returncode:
            if not self._ended.is_set():
                self._note_failure(errors.decode("utf-8", "replace").strip().rpartition("\n")[2])
            return None
        self._is_failing = False
        report: dict[str, Any] = json.loads(output)
        return report

    def _note_failure(self, reason: str) -> None:
        """Log the first failure after a success."""
        if not self._is_failing:
            self._is_failing = True
            _log.error("online quality cannot be computed: %s", reason)

    def publish(self, figures: Sequence[Mapping[str, Any]]) -> None:
        """Set the gauges.

        Args:
            figures: See `app.labels.quality.Quality.as_json`. What is not among them any more has no labels, and no
                other figures.
        """
        values: dict[tuple[Family, tuple[str, ...]], float] = {}
        for each in figures:
            part = (each["model"], each["version"], each["kind"], each["band"])
            values |= {(LABELS, part): each["labels"], (BEERS, part): each["beers"]}
            values[MISSED, part] = float(each["is_missed"])
            if each["level"] is not None:
                values[PROMISED, part] = each["level"]
            for name, family in _FIGURES.items():
                for bound, number in each[name].items():
                    values[family, (*part, bound)] = float("nan") if number is None else number
        for gone in self._gauges.keys() - values.keys():
            self._gauges[gone].set(0.0 if gone[0] in (LABELS, BEERS, MISSED) else float("nan"))
        for series, number in values.items():
            if series not in self._gauges:
                self._gauges[series] = self._metrics.gauge(series[0], *series[1])
            self._gauges[series].set(number)


def main() -> None:
    """Run in the child process: read a request from stdin, and write a report to stdout."""
    if sys.platform != "win32":
        os.nice(_NICENESS)
    request = json.load(sys.stdin)
    since = datetime.now(UTC) - timedelta(days=request["days"])
    report = report_of(existing(request["paths"]), Path(request["models"]), since, request["s3_endpoint"])
    json.dump(report.as_json(), sys.stdout)


if __name__ == "__main__":
    main()
