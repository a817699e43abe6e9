"""The guard: decides for every transport whether a call may proceed, from its key, the key's scopes and its rate."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.access.address import Network, address
from app.access.failed_keys import FailedKeyLimiter
from app.access.keys import KeyRing, Principal
from app.access.rates import RateLimiter, Window
from app.errors import CallError, Limited, NotAllowed, NotAuthenticated, RateExceeded


@dataclass(frozen=True)
class Limits:
    """Limits for valid and for invalid keys."""

    rates: RateLimiter = field(default_factory=RateLimiter)
    """Counts the calls of keys that have a rate."""
    failed_keys: FailedKeyLimiter = field(default_factory=lambda: FailedKeyLimiter(0))
    """Counts invalid keys by client address."""
    proxies: Sequence[Network] = ()
    """Networks of the proxies whose ``X-Forwarded-For`` is trusted."""


class Guard:
    """Checks calls. A transport calls `authenticate` first, then `authorize` or `rejection`."""

    def __init__(self, keys: KeyRing, limits: Limits | None = None) -> None:
        """Create a guard.

        Args:
            keys: The valid keys.
            limits: Limits for valid and for invalid keys; no limits by default.
        """
        self.authenticate = keys.authenticate
        """See `KeyRing.authenticate`."""
        self._limits = limits or Limits()

    def rejection(self, presented: bytes | None, peer: str | None, forwarded: Sequence[str]) -> CallError:
        """Return the error for a call without a valid key, and count an invalid key against the client's address.

        Args:
            presented: The key as received; None if it is missing, empty if there are several. Neither is counted.
            peer: See `address`.
            forwarded: See `address`.
        """
        if presented:
            try:
                self._limits.failed_keys.count(address(peer, forwarded, self._limits.proxies))
            except Limited as error:
                return error
        return NotAuthenticated()

    async def authorize(self, principal: Principal, scope: str) -> Window | None:
        """Check the scope of a valid key and count the call. A key that has the scope and no rate may skip this.

        Args:
            principal: The caller.
            scope: The scope that the call requires.

        Returns:
            The rest of the key's rate; None if the key has no rate, or the rate is not known now.

        Raises:
            NotAllowed: If the key lacks the scope.
            RateExceeded: See `RateLimiter.count`.
            LimitsUnavailable: See `RateLimiter.count`.
        """
        if scope not in principal.scopes:
            raise NotAllowed
        return await self._limits.rates.count(principal)


def rate_limit_headers(rate: Window | CallError | None) -> tuple[tuple[str, str], ...]:
    """Describe the rest of a rate, in the format of draft-ietf-httpapi-ratelimit-headers-10.

    Args:
        rate: The current window, or the error of a rejected call.

    Returns:
        Header names in lower case, with their values; empty if there is no rate.
    """
    if isinstance(rate, RateExceeded):
        rate = Window(rate.quota, rate.window, 0, rate.seconds)
    if not isinstance(rate, Window):
        return ()
    return (
        ("ratelimit-policy", f'"key";q={rate.quota};w={rate.seconds}'),
        ("ratelimit", f'"key";r={rate.remaining};t={rate.reset}'),
    )
