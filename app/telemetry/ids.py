"""Request ids: the client's own id if it is valid, otherwise a generated one."""

import re
import secrets
from itertools import count

_VALID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class RequestIds:
    """Assigns an id to each request, unique over processes and restarts."""

    def __init__(self) -> None:
        """Choose the random prefix of the generated ids."""
        self._prefix = secrets.token_hex(6)
        self._numbers = count(1)

    def of(self, presented: bytes) -> bytes:
        """Return the id of a request: up to 128 letters, digits, ``.``, ``_`` and ``-``.

        Args:
            presented: Value of the header ``X-Request-ID``; empty if the client sent none.
        """
        if presented and _VALID.fullmatch(presented):
            return presented
        return f"{self._prefix}-{next(self._numbers)}".encode()
