"""The memory budget: a limit on what the calls in progress of a process may hold together."""

import threading
from types import TracebackType
from typing import Self

from app.errors import Overloaded, TooLarge
from app.telemetry.metrics import Family, Registry

TAKEN = Family("memory_budget_taken_bytes", "Memory that requests in progress have reserved.", "gauge")
LIMIT = Family("memory_budget_limit_bytes", "Memory that requests in progress may reserve: MEMORY_BUDGET.", "gauge")

DEFAULT_LIMIT = 200_000_000
"""Bytes, unless a setting says otherwise. With the 130 MB of an idle program it stays below a limit of 512 MB."""

_KEYLESS_SHARE = 4
"""The part of the budget, one in so many, that calls without a key may take together."""


class Reservation:
    """A part of the budget that one call holds. Use it as a context manager, or call `release`."""

    __slots__ = ("_budget", "amount", "has_key")

    def __init__(self, budget: "MemoryBudget", has_key: bool) -> None:
        """Initialize an empty reservation; see `MemoryBudget.reserve`."""
        self._budget = budget
        self.has_key = has_key
        """Whether the caller has a key."""
        self.amount = 0
        """Bytes that the reservation holds."""

    def grow(self, amount: int) -> None:
        """Reserve more.

        Args:
            amount: Additional bytes.

        Raises:
            TooLarge: If this reservation alone exceeds the budget.
            Overloaded: If it exceeds what the other calls have left.
        """
        self._budget.take(self, amount)

    def release(self) -> None:
        """Give everything back; a second call has no effect."""
        self._budget.give_back(self)

    def __enter__(self) -> Self:
        """Return the reservation."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        self.release()


class MemoryBudget:
    """Counts the bytes that calls in progress hold or will hold: bodies, parsed values, decoded pictures.

    Calls without a key, to public models, together take a quarter at most: strangers cannot lock out those with keys.
    All methods are thread-safe.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT, metrics: Registry | None = None) -> None:
        """Initialize the budget.

        Args:
            limit: Maximum bytes of all reservations together.
            metrics: Registry of the process's metrics; by default one of its own.
        """
        metrics = metrics or Registry()
        metrics.gauge(LIMIT).set(limit)
        self._gauge = metrics.gauge(TAKEN)
        self.limit = limit
        """Maximum bytes of all reservations together."""
        self.taken = 0
        """Bytes that are reserved at present."""
        self._keyless_limit = limit // _KEYLESS_SHARE
        self._keyless = 0
        self._lock = threading.Lock()

    def take(self, reservation: Reservation, amount: int) -> None:
        """Enlarge a reservation; see `Reservation.grow`."""
        has_key = reservation.has_key
        limit = self.limit if has_key else self._keyless_limit
        with self._lock:
            if reservation.amount + amount > limit:
                raise TooLarge
            if self.taken + amount > self.limit or not (has_key or self._keyless + amount <= limit):
                raise Overloaded
            self.taken += amount
            self._keyless += 0 if has_key else amount
            reservation.amount += amount
            self._gauge.set(self.taken)

    def give_back(self, reservation: Reservation) -> None:
        """Empty a reservation; see `Reservation.release`."""
        with self._lock:
            self.taken -= reservation.amount
            self._keyless -= 0 if reservation.has_key else reservation.amount
            reservation.amount = 0
            self._gauge.set(self.taken)

    def reserve(self, amount: int = 0, has_key: bool = True) -> Reservation:
        """Reserve a part of the budget for one call.

        Args:
            amount: Bytes.
            has_key: Whether the caller has a key.

        Returns:
            The reservation, which the caller must release.

        Raises:
            TooLarge: If the amount alone exceeds the budget.
            Overloaded: If it exceeds what the other calls have left.
        """
        reservation = Reservation(self, has_key)
        if amount:
            reservation.grow(amount)
        return reservation
