"""A separate redis-server for a test, which can stop it and start it again."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

PATIENCE = 20.0
MISSING = None if shutil.which("redis-server") else "redis-server is not installed (Debian: redis-server)"
"""The reason to skip tests that need Redis, or None."""


class Redis:
    """A redis-server process on a free port."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start the process and wait until it accepts connections."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline

    def stop(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()
