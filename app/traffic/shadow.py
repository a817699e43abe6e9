"""The shadow: a candidate that repeats runs of the active version, for comparison alone."""

from collections.abc import Callable, Mapping, Sequence
from random import random
from time import perf_counter, thread_time

import numpy as np

from app.errors import CallError, InvalidOutput, Overloaded, TooLate
from app.models.loaded import LoadedModel
from app.runtime.predictor import Array, Arrays
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.metrics import Registry
from app.traffic.calls import request_ids_of
from app.traffic.comparison import Comparison, InvalidAnswer
from app.traffic.mirror import Mirror, Run
from app.traffic.rollout import LiveRollout, Trial


class Shadow(LiveRollout):
    """Repeats a share of the active version's runs in the thread pool; its outputs are not returned to callers."""

    def __init__(
        self,
        trial: Trial,
        metrics: Registry,
        on_breach: Callable[[LiveRollout], None],
        pool: BoundedThreadPool,
        request_ids: Mapping[int, bytes],
    ) -> None:
        """Initialize the shadow; see `LiveRollout`.

        Args:
            trial: See `LiveRollout`.
            metrics: See `LiveRollout`.
            on_breach: See `LiveRollout`.
            pool: Runs the candidate.
            request_ids: Ids of the requests that are answered together; see `request_ids_of`.

        Raises:
            BundleError: If the versions cannot be compared.
        """
        super().__init__(trial, metrics, on_breach)
        self._comparison = Comparison(self.active.manifest, self.candidate.manifest)
        self._request_ids = request_ids
        self._share = self.spec.share
        self._mirror = Mirror(pool, self._repeat, self.metrics.dropped.inc)
        self._clock = perf_counter if self.candidate.predictor.remote else thread_time  # not slowed by other work

    def begin(self) -> None:
        """Watch the active version."""
        super().begin()
        self.active.add_observer(self._observe)

    def end(self) -> None:
        """Stop watching."""
        self.active.remove_observer(self._observe)
        self._mirror.close()
        super().end()

    def choose(self, active: LoadedModel) -> LoadedModel:
        """Return the active version."""
        return active

    def flush(self) -> None:
        """Repeat the runs that wait."""
        self._mirror.flush()

    def _observe(
        self, inputs: Arrays, outputs: Mapping[str, Array], seconds: float, requests: Sequence[object]
    ) -> None:
        if random() < self._share:  # nosec B311
            self._mirror.offer(Run(inputs, outputs, request_ids_of(requests, self._request_ids)))

    def _repeat(self, runs: Sequence[Run]) -> None:
        """Repeat the first run by itself, for its duration, and the others together if they can be joined."""
        others = runs[1:]
        is_joined = len(others) > 1 and self._comparison.joins
        seconds = self._repeat_one(runs[0])
        if seconds is not None:
            measured = len(runs) if is_joined else 1
            self.metrics.seconds.inc(seconds * measured)
            self.judge(self._guard.took(seconds, measured))
        if is_joined and self._repeat_joined(others):
            return
        for run in others:
            if self.is_stopped:
                return
            seconds = self._repeat_one(run)
            if seconds is not None and not is_joined:
                self.metrics.seconds.inc(seconds)
                self.judge(self._guard.took(seconds))

    def _repeat_one(self, run: Run) -> float | None:
        """Repeat a run, and return its duration; None if it failed."""
        start = self._clock()
        try:
            outputs = self.candidate.predictor.predict(self._comparison.inputs(run.inputs))
            seconds = self._clock() - start
            gaps = self._comparison.differences(run.outputs, outputs)
        except Exception as error:
            if self._is_busy(error):
                self.metrics.dropped.inc()
                if isinstance(error, TooLate):
                    self.judge(self._guard.took(self._clock() - start))
            else:
                self.note_failure(
                    str(error) if isinstance(error, InvalidAnswer) else type(error).__name__, run.request_ids
                )
                self.ran(failed=True)
            return None
        self.ran(failed=False)
        self.compared(gaps, [(len(gaps), run.request_ids)])
        return seconds

    def _repeat_joined(self, runs: Sequence[Run]) -> bool:
        """Repeat runs as one; return whether none failed. If one did, nothing is counted."""
        try:
            inputs = {name: np.concatenate([run.inputs[name] for run in runs]) for name in runs[0].inputs}
            given = {name: np.concatenate([run.outputs[name] for run in runs]) for name in runs[0].outputs}
            outputs = self.candidate.predictor.predict(self._comparison.inputs(inputs))
            gaps = self._comparison.differences(given, outputs)
        except Exception:  # of one run: each is repeated by itself
            return False
        for _ in runs:
            self.ran(failed=False)
        rows = [len(run.outputs[self._comparison.output]) for run in runs]
        self.compared(gaps, list(zip(rows, (run.request_ids for run in runs), strict=True)))
        return True

    def _is_busy(self, error: Exception) -> bool:
        """Whether the model server was too busy or unreachable to run the candidate."""
        if isinstance(error, InvalidOutput) or not isinstance(error, CallError):
            return False
        return isinstance(error, Overloaded | TooLate) or not self.candidate.predictor.ready
