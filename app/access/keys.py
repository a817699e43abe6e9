"""API keys: the key ring maps a presented key to its principal."""

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
FEEDBACK = "feedback"
SCOPES = (PREDICT, METRICS, ADMIN, FEEDBACK)
"""Scopes of a key: the models' routes, ``/metrics``, loading and unloading models, and ``/feedback``."""
DEFAULT_ID = "default"
"""Id of the key in the setting API_KEY."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    id: str
    """Name in logs and rate limits; never the key."""
    scopes: frozenset[str]
    """What the caller may do; see `SCOPES`."""
    expires: float | None = None
    """Time from which the key is invalid, in seconds since the epoch; None: never."""
    rate: "RateLimitItem | None" = None
    """Maximum rate of calls; None: unlimited."""


_INDEX_BYTES = 16
_NO_ENTRY: tuple[bytes, Principal | None] = (bytes(32), None)


class KeyRing:
    """The valid keys, stored as SHA-256 digests."""

    def __init__(self, principals: Mapping[bytes, Principal]) -> None:
        """Create a key ring.

        Args:
            principals: Principals by the SHA-256 digest of their key (32 bytes).
        """
        self.replace(principals)

    @classmethod
    def single(cls, key: str) -> "KeyRing":
        """Create a ring that holds only the key of the settings, with the scopes ``predict`` and ``metrics``."""
        return cls(default_principal(key))

    def replace(self, principals: Mapping[bytes, Principal]) -> None:
        """Replace all keys atomically. Safe to call from any thread."""
        self._entries = {digest[:_INDEX_BYTES]: (digest, principal) for digest, principal in principals.items()}

    def __len__(self) -> int:
        """Return the number of keys, expired ones included."""
        return len(self._entries)

    def authenticate(self, presented: bytes | None) -> Principal:
        """Find the principal of a key, in a time that depends neither on the key nor on the number of keys.

        The first half of the digest selects the entry, and the whole digest is compared in constant time. The timing of
        the lookup could reveal part of a digest at most, and no key can be derived from that.

        Args:
            presented: The key as received, or None.

        Returns:
            The principal.

        Raises:
            NotAuthenticated: If the key is missing, unknown or expired.
        """
        digest = sha256(presented or b"").digest()
        known, principal = self._entries.get(digest[:_INDEX_BYTES], _NO_ENTRY)
        if not hmac.compare_digest(known, digest) or principal is None:
            raise NotAuthenticated
        if principal.expires is not None and principal.expires <= time.time():
            raise NotAuthenticated
        return principal


def default_principal(key: str, rate: "RateLimitItem | None" = None) -> dict[bytes, Principal]:
    """Build the entry of the key in the settings.

    Args:
        key: The key.
        rate: Maximum rate of calls.

    Returns:
        The key's digest and its principal, which has the scopes ``predict`` and ``metrics``.
    """
    return {sha256(key.encode()).digest(): Principal(DEFAULT_ID, frozenset({PREDICT, METRICS}), rate=rate)}
