"""A rollout in this process: the candidate, its measurements, and the guard that stops it."""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.bundle.rollout import RolloutSpec
from app.models.loaded import LoadedModel
from app.telemetry.metrics import Registry
from app.traffic.guard import Breach, Guard
from app.traffic.metrics import RolloutMetrics

LARGEST = 5
"""Number of the largest differences that the log lists when a rollout ends."""
_log = logging.getLogger(__name__)


class Trial(NamedTuple):
    """A candidate and how it is tried."""

    spec: RolloutSpec
    """Mode, share and bounds of the rollout."""
    active: LoadedModel
    """The active version."""
    candidate: LoadedModel
    """The candidate version."""


class LiveRollout(ABC):
    """A candidate that runs beside the active version, until `end`."""

    def __init__(self, trial: Trial, metrics: Registry, on_breach: "Callable[[LiveRollout], None]") -> None:
        """Initialize the rollout.

        Args:
            trial: The candidate and how it is tried.
            metrics: Registry of the process's metrics.
            on_breach: Called once, in any thread, when the candidate exceeds a bound; takes microseconds.
        """
        self.spec, self.active, self.candidate = trial
        manifest = self.candidate.manifest
        self.name, self.version = manifest.name, manifest.version
        self.metrics = RolloutMetrics(metrics, self.name, self.version, self.spec.mode)
        self.breach: Breach | None = None
        """The bound that was exceeded."""
        self._guard = Guard(self.spec)
        self._on_breach = on_breach
        self._lock = threading.Lock()
        self._largest: list[tuple[float, bytes]] = []
        self._has_failed = False

    def begin(self) -> None:
        """Begin the rollout."""
        self.metrics.share.set(self.spec.share)

    def end(self) -> None:
        """End the rollout and its measurements."""
        self.metrics.share.set(0.0)
        with self._lock:
            largest, self._largest = self._largest, []
        if largest:
            listed = ", ".join(f"{gap:.4g} (request {id.decode() or 'unknown'})" for gap, id in largest)
            _log.info("%s %s: the largest differences from version %s: %s", *self.names, listed)

    def flush(self) -> None:  # noqa: B027  # a canary measures at once
        """Process the runs that wait."""

    @property
    def is_stopped(self) -> bool:
        """Whether a bound was exceeded."""
        return self.breach is not None

    @abstractmethod
    def choose(self, active: LoadedModel) -> LoadedModel:
        """Return which version answers the present call; see `app.models.state.Rollout`."""

    @property
    def names(self) -> tuple[str, str, str]:
        """Name of the model, the candidate and the active version."""
        return self.name, self.version, self.active.manifest.version

    def judge(self, breach: Breach | None) -> None:
        """Stop the rollout if a bound is exceeded."""
        if breach is None:
            return
        with self._lock:
            if self.breach is not None:
                return
            self.breach = breach
        self.metrics.stopped(breach.kind)
        _log.error("%s %s: the %s is stopped: %s", self.name, self.version, self.spec.mode, breach.reason)
        self._on_breach(self)

    def ran(self, failed: bool) -> None:
        """Count a run as failed or not."""
        (self.metrics.failed if failed else self.metrics.ok).inc()
        self.judge(self._guard.ran(failed))

    def note_failure(self, reason: str, request_ids: Sequence[bytes]) -> None:
        """Log the reason of the first run that fails.

        Args:
            reason: Why it failed.
            request_ids: Ids of its requests.
        """
        if not self._has_failed:
            self._has_failed = True
            request = b" ".join(filter(None, request_ids)).decode() or "unknown"
            mode = self.spec.mode
            _log.warning("%s %s fails as %s: %s, in request %s", self.name, self.version, mode, reason, request)

    def compared(self, gaps: NDArray[np.float64], runs: Sequence[tuple[int, Sequence[bytes]]]) -> None:
        """Count differences.

        Args:
            gaps: Difference of each row, shape (n_rows,).
            runs: Number of rows of each run, and the ids of its requests.
        """
        self.metrics.compared(gaps, self.spec.max_difference)
        largest = float(gaps.max())
        if largest > 0.0 and (len(self._largest) < LARGEST or largest > self._largest[-1][0]):
            self._keep(gaps, runs)
        start = 0
        for rows, _ in runs:
            self.judge(
                self._guard.compared(float(gaps[start]) if rows == 1 else float(gaps[start : start + rows].mean()))
            )
            start += rows

    def _keep(self, gaps: NDArray[np.float64], runs: Sequence[tuple[int, Sequence[bytes]]]) -> None:
        """Keep the requests with the largest differences; write a line for the largest of all."""
        with self._lock:
            before = self._largest[0][0] if self._largest else 0.0
            of_request = {request_id: gap for gap, request_id in self._largest}
            for gap, request_id in _by_request(gaps, runs):
                of_request[request_id] = max(gap, of_request.get(request_id, 0.0))
            largest = sorted(((gap, id) for id, gap in of_request.items() if gap > 0.0), reverse=True)[:LARGEST]
            self._largest = largest
        gap, request_id = largest[0]
        if gap > before and self.breach is None:
            request = request_id.decode() or "unknown"
            _log.info("%s %s differs from version %s by %.4g in request %s", *self.names, gap, request)


def _by_request(
    gaps: NDArray[np.float64], runs: Sequence[tuple[int, Sequence[bytes]]]
) -> Iterator[tuple[float, bytes]]:
    """Yield the largest difference of each run, or of each row where the rows are of several requests, and the id."""
    start = 0
    for rows, ids in runs:
        of_run = gaps[start : start + rows]
        start += rows
        if len(ids) == rows:
            yield from zip(of_run.tolist(), ids, strict=True)
        elif rows:
            yield float(of_run.max()), ids[0] if ids else b""
