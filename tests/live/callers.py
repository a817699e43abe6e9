"""Clients that call a program all the time."""

import threading

from tests.live.program import PATIENCE
from tests.live.raw import post, send_and_read, statuses


class Callers:
    """Clients that call continuously, each time on a new connection."""

    def __init__(self, port: int, count: int = 4) -> None:
        self._port = port
        self._stop = threading.Event()
        self.answers: list[list[int]] = []
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(statuses(send_and_read(self._port, post())))
            except OSError:
                self.answers.append([])

    def stop(self) -> list[list[int]]:
        """Stop, and return the status codes of each call."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        return self.answers
