"""A progress bar on stderr, for work that takes longer than a second."""

import sys
import time

DELAY = 1.0
"""Seconds after which the bar appears."""
_INTERVAL = 0.1
"""Seconds between two pictures of the bar."""
_WIDTH = 30
"""Characters of the bar."""


class Progress:
    """Shows how much of a number of items is done. It writes only to a terminal."""

    def __init__(self, total: int, items: str, with_rate: bool = False) -> None:
        """Create the bar; nothing is shown yet.

        Args:
            total: Number of items; 0 if it is not known.
            items: What they are, such as ``files``.
            with_rate: Whether to show the items done per second, and the time left.
        """
        self._begun = time.monotonic() if with_rate else None
        self._total = total
        self._items = items
        self._next = time.monotonic() + DELAY
        self._is_shown = False
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int) -> None:
        """Show how many items are done, if it is time to."""
        if not self._is_terminal or time.monotonic() < self._next:
            return
        full = min(_WIDTH * done // max(self._total, 1), _WIDTH)
        bar = "#" * full + "-" * (_WIDTH - full)
        counts = f"{done} of {self._total}" if self._begun is None else f"{done:,} of {max(self._total, done):,}"
        self._is_shown = self._write(f"\r[{bar}] {counts} {self._items}{self._rate(done)}")
        self._next = time.monotonic() + _INTERVAL

    def _rate(self, done: int) -> str:
        """The items per second, and the time left."""
        if self._begun is None or not done:
            return ""
        rate = done / max(time.monotonic() - self._begun, 1e-9)
        minutes, seconds = divmod(round(max(self._total - done, 0) / rate), 60)
        left = f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
        return f", {rate:,.0f} a second, {left} left\x1b[K"

    def clear(self) -> None:
        """Remove the bar from the terminal."""
        if self._is_shown:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> bool:
        try:
            print(text, end="", file=sys.stderr, flush=True)
        except OSError:  # the terminal is gone, and the output does not depend on it
            self._is_terminal = False
        return self._is_terminal
