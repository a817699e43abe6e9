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

    def __init__(self, total: int, items: str) -> None:
        """Create the bar; nothing is shown yet.

        Args:
            total: Number of items.
            items: What they are, such as ``files``.
        """
        self._total = total
        self._items = items
        self._next = time.monotonic() + DELAY
        self._is_shown = False
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def show(self, done: int) -> None:
        """Show how many items are done, if it is time to."""
        if not self._is_terminal or time.monotonic() < self._next:
            return
        full = _WIDTH * done // max(self._total, 1)
        bar = "#" * full + "-" * (_WIDTH - full)
        self._is_shown = self._write(f"\r[{bar}] {done} of {self._total} {self._items}")
        self._next = time.monotonic() + _INTERVAL

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
