"""The guard: whether a call may go on, by its key, the key's scopes and its rate; the decision for every door."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.access.address import Network, address
from app.access.failed_keys import FailedKeyLimiter
from app.access.keys import KeyRing, Principal
from app.access.rates import RateLimiter, Window
from app.errors import CallError, Limited, LimitsUnavailable, NotAllowed, NotAuthenticated, RateExceeded


@dataclass(frozen=True)
class Limits:
    """What known keys may do and unknown ones may try."""

    rates: RateLimiter = field(default_factory=RateLimiter)
    """Counts calls of keys that have a rate."""
    attempts: FailedKeyLimiter = field(default_factory=lambda: FailedKeyLimiter(0))
    """Counts wrong keys by address."""
    proxies: Sequence[Network] = ()
    """Networks whose X-Forwarded-For is believed."""


class Guard:
    """Knows whom to let through. A door asks `authenticate`, then `unknown` or `admit`."""

    def __init__(self, keys: KeyRing, limits: Limits | None = None) -> None:
        """Initialize the guard.

        Args:
            keys: The keys that are known.
            limits: What known keys may do and unknown ones may try; by default as much as they like.
        """
        self.authenticate = keys.authenticate
        """See `KeyRing.authenticate`."""
        self._limits = limits or Limits()

    def unknown(self, presented: bytes | None, peer: str | None, forwarded: Sequence[str]) -> CallError:
        """The refusal of a call that has no known key: a wrong one counts against its address, a missing one does not.

        Args:
            presented: Raw bytes as sent; None or empty where there was none, or several.
            peer: See `address`.
            forwarded: See `address`.
        """
        if presented:
            try:
                self._limits.attempts.count(address(peer, forwarded, self._limits.proxies))
            except Limited as error:
                return error
        return NotAuthenticated()

    async def admit(self, principal: Principal, needed: str) -> Window | None:
        """Count a call of a known key. It is not needed where the key has the scope and no rate.

        Args:
            principal: Who calls.
            needed: The scope that the call needs.

        Returns:
            What is left of the key's rate, if it has one and that is known.

        Raises:
            NotAllowed: The key lacks the scope.
            RateExceeded: See `RateLimiter.admit`.
            LimitsUnavailable: See `RateLimiter.admit`.
        """
        if needed not in principal.scopes:
            raise NotAllowed
        return await self._limits.rates.admit(principal)


def retry_after(refusal: CallError) -> int | None:
    """Seconds after which a refused call may come again; None where that is not known."""
    if isinstance(refusal, Limited):
        return refusal.seconds
    return 1 if isinstance(refusal, LimitsUnavailable) else None


def rate_told(left: Window | CallError | None) -> tuple[tuple[str, str], ...]:
    """What is left of a rate, as draft-ietf-httpapi-ratelimit-headers-10 writes it.

    Args:
        left: What is left, or why there is nothing.

    Returns:
        Names in lower case, and values; none where there is no rate.
    """
    if isinstance(left, RateExceeded):
        left = Window(left.quota, left.window, 0, left.seconds)
    if not isinstance(left, Window):
        return ()
    return (
        ("ratelimit-policy", f'"key";q={left.quota};w={left.seconds}'),
        ("ratelimit", f'"key";r={left.remaining};t={left.reset}'),
    )
