"""Continuous requests to the program over a few connections that stay open."""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.known import BEER, KEY

BODY = json.dumps(BEER).encode()


class Traffic:
    """Sends requests until the context ends. The attributes contain the results."""

    def __init__(self, port: int, connections: int = 2, headers: Mapping[str, str] | None = None) -> None:
        """Initialize the traffic.

        Args:
            port: The port of the program on this machine.
            connections: Number of connections, each with its own thread.
            headers: Headers in addition to the API key and the content type.
        """
        self.seconds: list[float] = []
        """Latency of each response in seconds."""
        self.failures: list[str] = []
        """Descriptions of responses other than 200 and of broken connections."""
        self.versions: set[str] = set()
        """The model versions in the responses."""
        self._port = port
        self._headers = {"X-API-Key": KEY, "Content-Type": "application/json", **(headers or {})}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(connections)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                connection.request("POST", "/predict", BODY, self._headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            self.seconds.append(time.perf_counter() - began)
            if answer.status == 200:
                self.versions.add(json.loads(body)["model"]["version"])
            else:
                self.failures.append(f"{answer.status} {body[:200]!r}")
        connection.close()

    def until(self, count: int, patience: float = 60.0) -> None:
        """Wait for a number of responses."""
        deadline = time.monotonic() + patience
        while len(self.seconds) < count:
            assert time.monotonic() < deadline, f"{len(self.seconds)} answers, {self.failures[:3]}"
            time.sleep(0.01)

    @property
    def p99(self) -> float:
        """The 99th percentile of the latency in milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000
