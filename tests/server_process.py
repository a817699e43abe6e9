"""A model server process that a test can kill and start again on the same port."""

import json
import subprocess
import sys
from pathlib import Path

from tests.committed import committed_models
from tests.known import REPOSITORY

SERVER = REPOSITORY / "tests" / "model_server.py"


class ServerProcess:
    """A running `tests/model_server.py`."""

    def __init__(self, root: Path | None = None, port: int = 0, **behaviour: object) -> None:
        """Start the server and wait until it listens.

        Args:
            root: A folder of bundles; by default that of the committed ones.
            port: The port; 0 selects a free one.
            behaviour: Options of the server, described in `tests/model_server.py`.
        """
        command = [sys.executable, str(SERVER), str(root or committed_models()), str(port), json.dumps(behaviour)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        )
        assert self.process.stdout
        self.host = behaviour.get("host", "127.0.0.1")
        self.port = int(self.process.stdout.readline())

    @property
    def target(self) -> str:
        """Host and port of the server."""
        return f"{self.host}:{self.port}"

    def next_call(self) -> dict[str, object]:
        """Return the row count and the trace of the next answered call, which the server prints."""
        assert self.process.stdout
        call: dict[str, object] = json.loads(self.process.stdout.readline())
        return call

    def kill(self) -> None:
        """Kill the process. A second call does nothing."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
