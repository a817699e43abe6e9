"""The memory budget of the calls in progress."""

import pytest

from app.errors import Overloaded, TooLarge
from app.runtime.memory_budget import MemoryBudget


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
