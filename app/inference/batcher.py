"""The batcher: rows of several calls for one version go through its graph in one run."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat

import numpy as np

from app.inference.admission import Admission
from app.inference.predictor import Array, Arrays
from app.inference.served import Served
from app.telemetry.distribution import Distribution
from app.telemetry.metrics import Family, Registry

ROWS = Family(
    "model_batch_rows",
    "Rows of each run that several calls may share.",
    "histogram",
    ("model", "version"),
    bounds=(1, 2, 4, 8, 16, 32, 64),
)

Outputs = dict[str, Array]


@dataclass(slots=True)
class _Waiting:
    """A call that waits for its run, or is in it."""

    arrays: Arrays
    rows: int
    due: float
    """Moment of the event loop's clock until which others may join it."""
    outputs: asyncio.Future[Outputs]


@dataclass(slots=True)
class _Line:
    """The calls for one version."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    running: int = 0
    alarm: asyncio.TimerHandle | None = None


class Batcher:
    """Lets calls that come while a version runs share its next run.

    Where nothing runs, a call runs at once: who is alone waits for nobody. While something runs, calls gather until
    that has ended, until they have as many rows as a run may have, or until the first of them has waited long enough
    and another thread of the pool is free. Lives in the event loop; only the runs themselves are in the pool.
    """

    def __init__(self, admission: Admission, metrics: Registry, most_rows: int, most_seconds: float) -> None:
        """Args:
        admission: Its pool has the runs; callers have their places there already.
        metrics: Hold how large the runs were.
        most_rows: Of a run that calls share.
        most_seconds: That a call waits for others, while a thread is free.
        """
        self._admission = admission
        self._metrics = metrics
        self.most_rows = most_rows
        """Of a run that calls share."""
        self._most_seconds = most_seconds
        self._lines: dict[Served, _Line] = {}
        self._sizes: dict[tuple[str, str], Distribution] = {}

    async def run(self, served: Served, arrays: Arrays) -> Outputs:
        """Run a version, perhaps together with others; who is cancelled before the run begins is left out of it.

        Args:
            served: The version; it treats each row alone, see `Contract.row_wise`.
            arrays: What it takes, fewer rows than a run may have.

        Returns:
            What `Served.infer` gives for these rows.

        Raises:
            Exception: What `Served.infer` raises for these rows.
        """
        loop = asyncio.get_running_loop()
        line = self._lines.setdefault(served, _Line())
        mine = _Waiting(arrays, _rows(arrays), loop.time() + self._most_seconds, loop.create_future())
        line.waiting.append(mine)
        self._advance(served, line)
        return await mine.outputs

    def _advance(self, served: Served, line: _Line) -> None:
        """Begin the runs for which it is time."""
        if line.alarm is not None:
            line.alarm.cancel()
            line.alarm = None
        line.waiting = deque(each for each in line.waiting if not each.outputs.done())
        loop = asyncio.get_running_loop()
        while line.waiting and line.running < self._admission.in_work:
            due, rows = line.waiting[0].due, sum(each.rows for each in line.waiting)
            if line.running and rows < self.most_rows and loop.time() < due:
                line.alarm = loop.call_at(due, self._advance, served, line)
                return
            self._begin(served, line)
        if not line.running:
            del self._lines[served]

    def _begin(self, served: Served, line: _Line) -> None:
        batch = [line.waiting.popleft()]
        rows = batch[0].rows
        while line.waiting and rows + line.waiting[0].rows <= self.most_rows:
            batch.append(line.waiting.popleft())
            rows += batch[-1].rows
        self._size(served).add(rows)
        line.running += 1
        run = self._admission.submit(partial(_run, served), [each.arrays for each in batch])
        run.add_done_callback(partial(self._ended, served, line, batch))

    def _ended(
        self,
        served: Served,
        line: _Line,
        batch: Sequence[_Waiting],
        run: "asyncio.Future[Sequence[Outputs | Exception]]",
    ) -> None:
        line.running -= 1
        failed = asyncio.CancelledError() if run.cancelled() else run.exception()
        for each, told in zip(batch, repeat(failed) if failed else run.result(), strict=False):
            if each.outputs.done():
                continue  # its caller has left
            if isinstance(told, BaseException):
                each.outputs.set_exception(told)
            else:
                each.outputs.set_result(told)
        self._advance(served, line)

    def _size(self, served: Served) -> Distribution:
        key = (served.manifest.name, served.manifest.version)
        if key not in self._sizes:
            self._sizes[key] = Distribution(self._metrics, ROWS, *key)
        return self._sizes[key]


def _rows(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _run(served: Served, calls: Sequence[Arrays]) -> Sequence[Outputs | Exception]:
    """Run calls together; alone where that fails, so that each has its own error."""
    if len(calls) > 1:
        with suppress(Exception):  # ONNX Runtime's errors share no base class
            return _together(served, calls)
    return [_alone(served, each) for each in calls]


def _together(served: Served, calls: Sequence[Arrays]) -> Sequence[Outputs]:
    outputs = served.infer({name: np.concatenate([each[name] for each in calls]) for name in calls[0]})
    *ends, rows = np.cumsum([_rows(each) for each in calls]).tolist()
    if any(len(array) != rows for array in outputs.values()):
        raise ValueError("the graph does not give each row an answer of its own")
    parts = {name: np.split(array, ends) for name, array in outputs.items()}
    return [{name: parts[name][number] for name in parts} for number in range(len(calls))]


def _alone(served: Served, arrays: Arrays) -> Outputs | Exception:
    try:
        return served.infer(arrays)
    except Exception as error:
        return error
