"""Keys: which principal a presented key stands for."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from app.errors import NotAuthenticated


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls."""

    id: str
    """Name for logs and limits; never the key."""
    scopes: frozenset[str]
    """What the caller may do: ``predict``, ``metrics``, ``admin``."""


_INDEX_BYTES = 16
_NOBODY: tuple[bytes, Principal | None] = (bytes(32), None)


class KeyRing:
    """The keys that are known, kept as SHA-256 digests."""

    def __init__(self, principals: Mapping[bytes, Principal]) -> None:
        """Args:
        principals: SHA-256 digest of a key (32 bytes) to its principal.
        """
        self._entries = {digest[:_INDEX_BYTES]: (digest, principal) for digest, principal in principals.items()}

    @classmethod
    def single(cls, key: str) -> "KeyRing":
        """A ring with the one key of the settings; its scopes are ``predict`` and ``metrics``."""
        return cls({sha256(key.encode()).digest(): Principal("default", frozenset({"predict", "metrics"}))})

    def authenticate(self, presented: bytes | None) -> Principal:
        """The principal of a key, in time that depends neither on the key nor on how many there are.

        Half of the digest finds the entry and the whole is compared in constant time: what the look-up's time
        could tell is a piece of a digest, from which no key follows.

        Args:
            presented: Raw bytes as sent, or None.

        Returns:
            The principal.

        Raises:
            NotAuthenticated: No key, or an unknown one.
        """
        digest = sha256(presented or b"").digest()
        known, principal = self._entries.get(digest[:_INDEX_BYTES], _NOBODY)
        if not hmac.compare_digest(known, digest) or principal is None:
            raise NotAuthenticated
        return principal
