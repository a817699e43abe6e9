"""Keys: which principal a presented key stands for."""

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from app.errors import NotAuthenticated

if TYPE_CHECKING:
    from limits import RateLimitItem

PREDICT = "predict"
METRICS = "metrics"
ADMIN = "admin"
SCOPES = (PREDICT, METRICS, ADMIN)
"""What a key may be for: the models' routes; /metrics; nothing yet."""
DEFAULT_ID = "default"
"""Id of the one key of the settings."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls."""

    id: str
    """Name for logs and limits; never the key."""
    scopes: frozenset[str]
    """What the caller may do; see `SCOPES`."""
    expires: float | None = None
    """Moment from which the key is unknown, seconds since the epoch."""
    rate: "RateLimitItem | None" = None
    """Most calls in a time; None: as many as there are."""


_INDEX_BYTES = 16
_NOBODY: tuple[bytes, Principal | None] = (bytes(32), None)


class KeyRing:
    """The keys that are known, kept as SHA-256 digests."""

    def __init__(self, principals: Mapping[bytes, Principal]) -> None:
        """Initialize the key ring.

        Args:
            principals: SHA-256 digest of a key (32 bytes) to its principal.
        """
        self.replace(principals)

    @classmethod
    def single(cls, key: str) -> "KeyRing":
        """A ring with the one key of the settings; its scopes are ``predict`` and ``metrics``."""
        return cls(default_principal(key))

    def replace(self, principals: Mapping[bytes, Principal]) -> None:
        """Know these keys from now on, and no other; in one step, so that any thread may do it."""
        self._entries = {digest[:_INDEX_BYTES]: (digest, principal) for digest, principal in principals.items()}

    def __len__(self) -> int:
        """How many keys are known, expired ones among them."""
        return len(self._entries)

    def authenticate(self, presented: bytes | None) -> Principal:
        """The principal of a key, in time that depends neither on the key nor on how many there are.

        Half of the digest finds the entry and the whole is compared in constant time: what the look-up's time
        could tell is a piece of a digest, from which no key follows.

        Args:
            presented: Raw bytes as sent, or None.

        Returns:
            The principal.

        Raises:
            NotAuthenticated: No key, an unknown one, or one that has expired.
        """
        digest = sha256(presented or b"").digest()
        known, principal = self._entries.get(digest[:_INDEX_BYTES], _NOBODY)
        if not hmac.compare_digest(known, digest) or principal is None:
            raise NotAuthenticated
        if principal.expires is not None and principal.expires <= time.time():
            raise NotAuthenticated
        return principal


def default_principal(key: str, rate: "RateLimitItem | None" = None) -> dict[bytes, Principal]:
    """What the one key of the settings stands for.

    Args:
        key: The key.
        rate: Most calls in a time.

    Returns:
        Its digest and its principal, whose scopes are ``predict`` and ``metrics``.
    """
    return {sha256(key.encode()).digest(): Principal(DEFAULT_ID, frozenset({PREDICT, METRICS}), rate=rate)}
