"""The mirror: a bounded queue of runs that are repeated together in the thread pool, while a thread is free.

Waking a thread costs the event loop more than a small run takes. So runs are collected: a job begins once enough of
them wait, or when `flush` is called, which the reloader's thread does ten times a second.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from app.runtime.predictor import Array, Arrays
from app.runtime.thread_pool import BoundedThreadPool

JOB_RUNS = 32
"""Number of waiting runs from which a job begins."""
MAX_RUNS = 64
"""Maximum number of runs that wait."""
MAX_BYTES = 4_000_000
"""Maximum bytes of the inputs that wait."""


class Run(NamedTuple):
    """A run of the active version."""

    inputs: Arrays
    """See `app.runtime.predictor.Predictor.predict`."""
    outputs: Mapping[str, Array]
    """Outputs of the active version."""
    request_ids: Sequence[bytes]
    """Id of each row's request, or one for all rows; empty if they are unknown."""


class Mirror:
    """Repeats runs, one job at a time. No caller waits: a run is dropped if the queue is full or no thread is free."""

    def __init__(
        self, pool: BoundedThreadPool, repeat: Callable[[Sequence[Run]], None], drop: Callable[[float], None]
    ) -> None:
        """Initialize the mirror.

        Args:
            pool: Has the threads.
            repeat: Repeats runs; raises nothing.
            drop: Called with the number of runs that are dropped.
        """
        self._pool = pool
        self._repeat = repeat
        self._drop = drop
        self._waiting: list[Run] = []
        self._bytes = 0
        self._is_working = False
        self._lock = threading.Lock()

    def offer(self, run: Run) -> None:
        """Repeat a run later, or drop it. May be called from any thread."""
        size = 0
        for array in run.inputs.values():
            size += array.nbytes
        with self._lock:
            waiting = self._waiting
            if self._pool.busy or len(waiting) >= MAX_RUNS or (waiting and self._bytes + size > MAX_BYTES):
                self._drop(1.0)
                return
            waiting.append(run)
            self._bytes += size
            if len(waiting) >= JOB_RUNS or self._bytes > MAX_BYTES // 2:
                self._begin_job()

    def flush(self) -> None:
        """Begin a job if a run waits."""
        if self._waiting:
            with self._lock:
                self._begin_job()

    def close(self) -> None:
        """Drop the runs that wait."""
        with self._lock:
            self._take()

    def _begin_job(self) -> None:
        if not self._is_working and self._waiting:
            self._is_working = self._pool.run_spare(self._work)
            if not self._is_working:
                self._drop(float(len(self._take())))

    def _work(self) -> None:
        while True:
            with self._lock:
                runs = self._take()
                if runs and self._pool.busy:  # calls wait for this thread
                    self._drop(float(len(runs)))
                    runs = []
                if not runs:
                    self._is_working = False
                    return
            self._repeat(runs)

    def _take(self) -> list[Run]:
        runs, self._waiting, self._bytes = self._waiting, [], 0
        return runs
