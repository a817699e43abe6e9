"""Ids of requests: the caller's own where it is sane, else one of ours."""

import re
import secrets
from itertools import count

_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class RequestIds:
    """Gives each request of a door an id, unique over processes and restarts."""

    def __init__(self) -> None:
        """Begin to count, behind a random prefix."""
        self._prefix = secrets.token_hex(6)
        self._numbers = count(1)

    def of(self, presented: bytes) -> bytes:
        """A request's id.

        Args:
            presented: ``X-Request-ID`` as sent; empty for none.

        Returns:
            Up to 128 letters, digits, ``.``, ``_``, ``-``.
        """
        if presented and _SANE.fullmatch(presented):
            return presented
        return f"{self._prefix}-{next(self._numbers)}".encode()
