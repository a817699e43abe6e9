"""The mirror: runs are collected and repeated together, and what waits is bounded in number and in bytes."""

import threading
import time
from collections.abc import Callable

import numpy as np

from app.runtime.thread_pool import BoundedThreadPool
from app.traffic.mirror import JOB_RUNS, MAX_BYTES, Mirror, Run

PATIENCE = 10.0


def _run(size: int) -> Run:
    return Run({"image": np.zeros(size, np.uint8)}, {}, ())


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_runs_wait_for_others_and_are_repeated_together() -> None:
    pool = BoundedThreadPool()
    jobs: list[int] = []
    mirror = Mirror(pool, lambda runs: jobs.append(len(runs)), lambda runs: None)
    for _ in range(JOB_RUNS - 1):
        mirror.offer(_run(8))
    assert jobs == []
    mirror.offer(_run(8))
    _wait_until(lambda: jobs == [JOB_RUNS])
    mirror.offer(_run(8))
    mirror.flush()
    _wait_until(lambda: jobs == [JOB_RUNS, 1])
    pool.stop()


def test_large_inputs_begin_a_job_early_and_never_take_more_than_their_share() -> None:
    pool, go = BoundedThreadPool(), threading.Event()
    repeated: list[int] = []
    dropped: list[float] = []

    def repeat(runs: object) -> None:
        assert go.wait(PATIENCE)
        repeated.append(len(runs))  # type: ignore[arg-type]

    mirror = Mirror(pool, repeat, dropped.append)
    mirror.offer(_run(MAX_BYTES // 2 + 1))
    _wait_until(lambda: not mirror._waiting)
    for _ in range(10):
        mirror.offer(_run(MAX_BYTES // 3))
    assert len(dropped) == 7
    go.set()
    _wait_until(lambda: repeated == [1, 3])
    pool.stop()


def test_what_waits_is_dropped_when_calls_need_the_threads() -> None:
    pool = BoundedThreadPool()
    dropped: list[float] = []
    mirror = Mirror(pool, lambda runs: None, dropped.append)
    for _ in range(3):
        mirror.offer(_run(8))
    pool.taken += 2
    mirror.flush()
    assert dropped == [3.0] and not mirror._waiting
    pool.stop()
