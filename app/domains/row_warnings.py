"""Warnings about rows that arrive by the Open Inference Protocol."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domains.api import Warning


class WarningsByRow(Sequence[tuple[int, Warning]]):
    """Warnings that are made when they are read: of a million, an answer lists a thousand."""

    def __init__(
        self, flags: NDArray[np.bool_], rows: NDArray[np.floating], warning: Callable[[int, Sequence[float]], Warning]
    ) -> None:
        """Initialize the warnings.

        Args:
            flags: Shape (n_rows, n_checks): which checks a row fails.
            rows: The rows, shape (n_rows, n_inputs).
            warning: Makes the warning of a check that a row fails.
        """
        self._places = np.flatnonzero(flags)
        self._width = flags.shape[1]
        self._rows = rows
        self._warning = warning

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._at(place) for place in self._places[index].tolist()]
        return self._at(int(self._places[index]))

    def __iter__(self) -> Iterator[tuple[int, Warning]]:
        return map(self._at, self._places.tolist())

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    __hash__ = None  # type: ignore[assignment]

    def _at(self, place: int) -> tuple[int, Warning]:
        row, check = divmod(place, self._width)
        return row, self._warning(check, self._rows[row].tolist())
