"""Wrong keys by address: counted for a minute, in bounded memory."""

import pytest

from app.access.failed_keys import MOST_ADDRESSES, FailedKeyLimiter
from app.errors import TooManyFailures


class Clock:
    """Seconds that pass when told."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_as_many_as_allowed_pass_and_the_next_is_told_when_to_come_again() -> None:
    clock = Clock()
    attempts = FailedKeyLimiter(3, clock)
    for _ in range(3):
        attempts.count("a")
    clock.now += 19.5
    with pytest.raises(TooManyFailures) as caught:
        attempts.count("a")
    assert caught.value.seconds == 41
    attempts.count("b")
    clock.now += 41
    for _ in range(3):
        attempts.count("a")


def test_none_are_allowed_to_be_counted_where_it_is_off() -> None:
    attempts = FailedKeyLimiter(0)
    for _ in range(100):
        attempts.count("a")
    assert len(attempts) == 0


def test_memory_is_bounded_and_who_goes_on_is_not_forgotten() -> None:
    attempts = FailedKeyLimiter(5)
    attempts.count("first")
    for number in range(MOST_ADDRESSES):
        attempts.count(f"address-{number}")
        if number in (100, 5_000, 9_000, 9_900):
            attempts.count("first")
    assert len(attempts) == MOST_ADDRESSES
    with pytest.raises(TooManyFailures):
        attempts.count("first")
