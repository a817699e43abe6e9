"""The memory budget: a limit on what the calls in progress of a process may hold together."""

from types import TracebackType
from typing import Self

from app.errors import Overloaded, TooLarge

DEFAULT_LIMIT = 200_000_000
"""Bytes, unless a setting says otherwise. With the 130 MB of an idle program it stays below a limit of 512 MB."""


class Reservation:
    """A part of the budget that one call holds. Use it as a context manager, or call `release`."""

    __slots__ = ("_budget", "amount")

    def __init__(self, budget: "MemoryBudget") -> None:
        """Initialize an empty reservation; see `MemoryBudget.reserve`."""
        self._budget = budget
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
        budget = self._budget
        if self.amount + amount > budget.limit:
            raise TooLarge
        if budget.taken + amount > budget.limit:
            raise Overloaded
        budget.taken += amount
        self.amount += amount

    def release(self) -> None:
        """Give everything back; a second call has no effect."""
        self._budget.taken -= self.amount
        self.amount = 0

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

    It is used from the event loop only, so that it needs no lock: a call reserves what it will need before its work is
    passed to a thread, and releases it when the work has ended.
    """

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        """Initialize the budget.

        Args:
            limit: Maximum bytes of all reservations together.
        """
        self.limit = limit
        """Maximum bytes of all reservations together."""
        self.taken = 0
        """Bytes that are reserved at present."""

    def reserve(self, amount: int = 0) -> Reservation:
        """Reserve a part of the budget for one call.

        Args:
            amount: Bytes.

        Returns:
            The reservation, which the caller must release.

        Raises:
            TooLarge: If the amount alone exceeds the budget.
            Overloaded: If it exceeds what the other calls have left.
        """
        reservation = Reservation(self)
        if amount:
            reservation.grow(amount)
        return reservation
