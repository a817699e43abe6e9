"""The failed-key limiter: invalid keys are counted per address and minute, in bounded memory."""

import pytest

from app.access.failed_keys import MAX_ADDRESSES, FailedKeyLimiter
from app.errors import TooManyFailures


class Clock:
    """A clock that the test sets."""

    now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def test_a_key_above_the_limit_is_rejected_until_the_minute_is_over() -> None:
    clock = Clock()
    limiter = FailedKeyLimiter(3, clock)
    for _ in range(3):
        limiter.count("a")
    clock.now += 19.5
    with pytest.raises(TooManyFailures) as caught:
        limiter.count("a")
    assert caught.value.seconds == 41
    limiter.count("b")
    clock.now += 41
    for _ in range(3):
        limiter.count("a")


def test_a_48_bit_network_of_ipv6_has_sixteen_times_the_limit_of_one_address() -> None:
    limiter = FailedKeyLimiter(10)
    for index in range(160):
        limiter.count(f"2001:db8:1:{index:x}::/64")
    with pytest.raises(TooManyFailures):
        limiter.count("2001:db8:1:ffff::/64")
    limiter.count("2001:db8:2::/64")


def test_one_address_does_not_use_up_the_limit_of_its_network() -> None:
    limiter = FailedKeyLimiter(1)
    limiter.count("2001:db8:1:1::/64")
    for _ in range(100):
        with pytest.raises(TooManyFailures):
            limiter.count("2001:db8:1:1::/64")
    limiter.count("2001:db8:1:2::/64")


def test_networks_of_ipv6_take_bounded_memory() -> None:
    limiter = FailedKeyLimiter(10)
    for index in range(MAX_ADDRESSES):
        limiter.count(f"2001:db8:{index:x}::/64")
    assert len(limiter) == MAX_ADDRESSES


def test_zero_disables_the_limit() -> None:
    limiter = FailedKeyLimiter(0)
    for _ in range(100):
        limiter.count("a")
    assert len(limiter) == 0


def test_the_least_recently_seen_address_is_evicted() -> None:
    limiter = FailedKeyLimiter(5)
    limiter.count("first")
    for index in range(MAX_ADDRESSES):
        limiter.count(f"address-{index}")
        if index in (100, 5_000, 9_000, 9_900):
            limiter.count("first")
    assert len(limiter) == MAX_ADDRESSES
    with pytest.raises(TooManyFailures):
        limiter.count("first")
