"""Request ids: the client's own id if it is valid, otherwise a generated one.

A part that has to know whose rows a model answers, such as the recorder, learns it from `current_requests`. Transports
say it only if there is such a part.
"""

import re
import secrets
from collections.abc import Sequence
from contextvars import ContextVar
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


class EnteredRequestIds(RequestIds):
    """Assigns an id to each request, and enters the request in the context that asks for it."""

    def of(self, presented: bytes) -> bytes:
        """Return the id of a request; see `RequestIds.of`."""
        request_id = super().of(presented)
        _requests.set(request_id)
        _first_row.set(0)
        return request_id


_requests: ContextVar[bytes | Sequence[bytes]] = ContextVar("requests", default=b"")
_first_row: ContextVar[int] = ContextVar("first row", default=0)


def enter_requests(request_ids: Sequence[bytes]) -> None:
    """Note the ids of the requests that are answered together in this context, in their order."""
    _requests.set(request_ids)


def enter_row(row: int) -> None:
    """Note that the rows of the request are answered one by one in this context, and which is next.

    Args:
        row: Index of the row in the request.
    """
    _first_row.set(row)


def current_requests() -> bytes | Sequence[bytes]:
    """Return the id of the request that is answered in this context, empty if it is unknown; or the ids of several."""
    return _requests.get()


def current_row() -> int:
    """Return the index in the request of the first row that is answered next."""
    return _first_row.get()
