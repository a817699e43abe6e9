"""Model servers under test: each runs on one core and is ready once it reproduces a bundle's golden rows."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.bundle.store import highest, read_bundle
from app.remote.connection import Connection
from app.remote.server import ModelServer
from benchmarks.servers import KEY, BenchmarkFailed, free_port, on_core

OURS = (sys.executable, "-m", "app", "--role", "model-server")
MAX_START_SECONDS = 60.0
"""Maximum seconds until the server is ready."""


@dataclass(frozen=True)
class Remote:
    """A running model server."""

    target: str
    pid: int


def mlserver(peers: str) -> tuple[str, ...]:
    """Build the command line of MLServer.

    Args:
        peers: Python interpreter of an environment with MLServer.
    """
    return peers, "-m", "benchmarks.apps.mlserver_start"


@contextlib.contextmanager
def serving(
    command: Sequence[str], core: int, models: Path, name: str = "beer-ibu", **settings: str
) -> Iterator[Remote]:
    """Run a model server and wait until it reproduces a bundle's golden rows.

    Args:
        command: `OURS` or `mlserver`.
        core: Its core.
        models: Folder of bundles.
        name: The requested model, and the only one of MLServer.
        settings: Environment variables.

    Raises:
        BenchmarkFailed: If the server is not ready within a minute.
    """
    port, rpc = free_port(), free_port()
    extra = [] if "--role" in command else [str(port), str(highest(models, name) / "model.onnx"), str(rpc)]
    environment = {"PORT": str(port), "GRPC_PORT": str(rpc), "MODEL_URI": str(models), **settings}
    with tempfile.TemporaryDirectory(prefix="models-") as folder:
        log = Path(folder, "stderr")
        with on_core([*command, *extra], core, Path(folder), log, environment) as process:
            _wait(f"127.0.0.1:{rpc}", models, name, process, log)
            yield Remote(f"127.0.0.1:{rpc}", process.pid)


def _wait(target: str, models: Path, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    bundle = read_bundle(highest(models, name))
    until = time.perf_counter() + MAX_START_SECONDS
    while time.perf_counter() < until and process.poll() is None:
        with contextlib.suppress(Exception):  # any error means that the server is not ready yet
            server = ModelServer(Connection(target, key=KEY, timeout=2.0))
            server.open(bundle)
            server.stop()
            return
        time.sleep(0.1)
    raise BenchmarkFailed(f"the model server does not answer; its output:\n{log.read_text('utf-8', 'replace')[-2000:]}")
