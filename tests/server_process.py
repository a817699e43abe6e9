"""A model server as a process that a test can kill and start again at the same port."""

import json
import subprocess
import sys
from pathlib import Path

from tests.known import REPOSITORY

SERVER = REPOSITORY / "tests" / "model_server.py"


class ServerProcess:
    """`tests/model_server.py`, started."""

    def __init__(self, root: Path = REPOSITORY / "models", port: int = 0, **how: object) -> None:
        """Start it, and wait until it listens.

        Args:
            root: Folder of bundles.
            port: 0 takes a free one.
            how: See the server.
        """
        command = [sys.executable, str(SERVER), str(root), str(port), json.dumps(how)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def seen(self) -> dict[str, object]:
        """What it tells of the next call that it has answered."""
        assert self.process.stdout
        told: dict[str, object] = json.loads(self.process.stdout.readline())
        return told

    def kill(self) -> None:
        """End it at once, whatever it is doing; a second time does nothing."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
