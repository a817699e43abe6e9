"""The memory budget of the calls in progress."""

import pytest

from app.errors import Overloaded, TooLarge
from app.runtime.memory_budget import MemoryBudget
from app.telemetry.metrics import Registry


def test_a_reservation_is_given_back_when_its_context_ends() -> None:
    """Also after an error."""
    budget = MemoryBudget(100)
    with pytest.raises(ValueError), budget.reserve(60) as reservation:
        reservation.grow(40)
        assert budget.taken == 100
        raise ValueError
    assert budget.taken == 0


def test_what_others_hold_is_an_overload_and_what_never_fits_is_too_large() -> None:
    """The first can be retried, the second cannot. A rejected reservation takes nothing."""
    budget = MemoryBudget(100)
    first = budget.reserve(60)
    with pytest.raises(Overloaded):
        budget.reserve(41)
    with pytest.raises(TooLarge):
        budget.reserve(101)
    with pytest.raises(TooLarge):
        first.grow(41)
    assert budget.taken == 60
    first.release()
    first.release()
    assert budget.taken == 0


def test_calls_without_a_key_take_a_quarter_at_most() -> None:
    """Strangers cannot lock out those with keys."""
    budget = MemoryBudget(100)
    first = budget.reserve(20, has_key=False)
    with pytest.raises(Overloaded):
        budget.reserve(6, has_key=False)
    with pytest.raises(TooLarge):
        budget.reserve(26, has_key=False)
    with budget.reserve(80):
        assert budget.taken == 100
    first.release()
    budget.reserve(25, has_key=False)


def test_the_metrics_tell_what_is_reserved() -> None:
    metrics = Registry()
    budget = MemoryBudget(100, metrics)
    with budget.reserve(60):
        assert metrics.read()["memory_budget_taken_bytes", "", ""] == 60
    figures = metrics.read()
    assert (figures["memory_budget_taken_bytes", "", ""], figures["memory_budget_limit_bytes", "", ""]) == (0, 100)
