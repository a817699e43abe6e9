"""Model servers under test: started on one core, asked for a bundle's golden rows, ended by their own process id."""

import contextlib
import os
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
from benchmarks.servers import KEY, ROOT, BenchmarkFailed, free_port

OURS = (sys.executable, "-m", "app", "--role", "model-server")
LONGEST_START = 60.0


@dataclass(frozen=True)
class Remote:
    """A model server that runs."""

    target: str
    pid: int


def mlserver(peers: str) -> tuple[str, ...]:
    """The command line of MLServer.

    Args:
        peers: Interpreter of an environment with MLServer.
    """
    return peers, "-m", "benchmarks.apps.mlserver_start"


@contextlib.contextmanager
def serving(
    command: Sequence[str], core: int, models: Path, name: str = "beer-ibu", **settings: str
) -> Iterator[Remote]:
    """A model server, once it gives the numbers that a bundle says.

    Args:
        command: `OURS` or `mlserver`.
        core: Its only core.
        models: Folder of bundles.
        name: The model that is asked for, and all that MLServer has.
        settings: Environment variables.

    Raises:
        BenchmarkFailed: It does not answer rightly within a minute.
    """
    port, rpc = free_port(), free_port()
    more = [] if "--role" in command else [str(port), str(highest(models, name) / "model.onnx"), str(rpc)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "API_KEY": KEY,
        "OMP_NUM_THREADS": "1",
        "PORT": str(port),
        "GRPC_PORT": str(rpc),
        "MODEL_URI": str(models),
        **settings,
    }
    with tempfile.TemporaryDirectory(prefix="models-") as place, Path(place, "stderr").open("wb") as log:
        process = subprocess.Popen(
            [*command, *more],
            cwd=place,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        try:
            _wait(f"127.0.0.1:{rpc}", models, name, process, Path(place, "stderr"))
            yield Remote(f"127.0.0.1:{rpc}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(target: str, models: Path, name: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    bundle = read_bundle(highest(models, name))
    until = time.perf_counter() + LONGEST_START
    while time.perf_counter() < until and process.poll() is None:
        with contextlib.suppress(Exception):  # whatever it is, it is not there yet
            connected = ModelServer(Connection(target, key=KEY, timeout=2.0))
            connected.open(bundle)
            connected.stop()
            return
        time.sleep(0.1)
    raise BenchmarkFailed(f"the model server does not answer; it said:\n{log.read_text('utf-8', 'replace')[-2000:]}")
