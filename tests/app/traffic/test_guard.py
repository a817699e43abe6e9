"""The guard: a bad candidate is stopped within one window, a good one with an odd value is not."""

from typing import Any

import pytest

from app.bundle.rollout import RolloutSpec
from app.traffic.guard import Guard


def _guard(**bounds: Any) -> Guard:
    return Guard(RolloutSpec(mode="shadow", version="2", share=1.0, **bounds))


@pytest.mark.parametrize(("value", "runs"), [(2.0, 51), (1.01, 100), (200.0, 1)])
def test_a_candidate_beyond_its_bound_in_every_run_is_stopped_within_the_window(value: float, runs: int) -> None:
    guard = _guard(max_difference=1.0, max_latency=1.0, window=100)
    breaches = [guard.compared(value) for _ in range(runs)]
    assert breaches[:-1] == [None] * (runs - 1)
    assert breaches[-1] is not None and breaches[-1].kind == "difference"
    assert [guard.took(value) is not None for _ in range(runs)] == [False] * (runs - 1) + [True]


def test_a_change_for_the_worse_is_noticed_within_the_window() -> None:
    guard = _guard(max_difference=1.0, window=50)
    assert not any(guard.compared(0.0) for _ in range(1000))
    assert any(guard.compared(1.1) for _ in range(50))


def test_single_odd_values_and_values_at_the_bound_stop_nothing() -> None:
    guard = _guard(max_difference=1.0, window=100)
    assert not any(guard.compared(50.0 if run % 100 == 0 else 0.5) for run in range(1000))
    guard = _guard(max_difference=1.0, window=100)
    assert not any(guard.compared(1.0) for _ in range(1000))


def test_errors_leave_with_the_window() -> None:
    guard = _guard(max_errors=1, window=10)
    assert not any(guard.ran(failed=run % 10 == 0) for run in range(100))
    assert [guard.ran(failed=True) is not None for _ in range(2)] == [False, True]


def test_without_bounds_only_errors_stop() -> None:
    guard = _guard()
    assert guard.compared(1e9) is None and guard.took(1e9) is None and guard.ran(failed=True) is not None
