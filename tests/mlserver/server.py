"""An MLServer process in its own environment, installed from the package index, with the committed bundles."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from app.bundle.store import read_bundle
from app.oip.signature import ModelSignature
from tests.committed import committed

HERE = Path(__file__).parent
PATIENCE = 60.0
"""Maximum time until the server is ready, in seconds."""


class NotInstalled(Exception):
    """The environment cannot be created. The message contains the reason."""


def install(folder: Path) -> Path:
    """Create the environment, which takes about ten seconds, unless MLSERVER_PYTHON names an interpreter.

    Args:
        folder: An empty folder.

    Returns:
        The environment's interpreter.

    Raises:
        NotInstalled: If the package index does not respond, or if uv is missing.
    """
    if configured := os.environ.get("MLSERVER_PYTHON"):
        return Path(configured)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise NotInstalled("uv is not installed")
    python = folder / "venv" / "bin" / "python"
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder / "venv")],
        [uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(HERE / "requirements.txt")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise NotInstalled(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "uv failed")
    return python


class MlServer:
    """A running MLServer."""

    def __init__(self, python: Path, folder: Path, *names: str) -> None:
        """Start the server, and wait until its models are ready.

        Args:
            python: The interpreter of the environment.
            folder: An empty folder.
            names: Names of committed models.
        """
        rest, self.port, metrics = free_ports(3)
        shutil.copy(HERE / "runtime.py", folder)
        settings = {"host": "127.0.0.1", "http_port": rest, "grpc_port": self.port, "metrics_port": metrics}
        (folder / "settings.json").write_text(json.dumps({**settings, "parallel_workers": 0}))
        for name in names:
            (folder / name).mkdir()
            (folder / name / "model-settings.json").write_text(json.dumps(model_settings(name)))
        self._log = (folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            [str(python), "-m", "mlserver.cli.main", "start", str(folder)],
            cwd=folder,
            env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"], "HOME": str(folder)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait(rest, folder / "log.txt")

    def _wait(self, port: int, log: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    probe.sendall(b"GET /v2/health/ready HTTP/1.0\r\n\r\n")
                    if b" 200 " in probe.recv(64):
                        return
            assert self.process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    @property
    def target(self) -> str:
        """The address of its gRPC server."""
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Stop the process."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


def model_settings(name: str) -> dict[str, object]:
    """Return the MLServer settings of a model, from its manifest.

    Args:
        name: The model's name.
    """
    folder = committed(name)
    manifest = read_bundle(folder).manifest
    packed = ModelSignature(manifest).packed
    return {
        "name": name,
        "implementation": "runtime.OnnxRuntime",
        "parameters": {"uri": str(folder / "model.onnx"), "version": manifest.version},
        "inputs": [_tensor(tensor) for tensor in ([packed] if packed else manifest.inputs)],
        "outputs": [_tensor(tensor) for tensor in manifest.outputs],
    }


def _tensor(declared: object) -> dict[str, object]:
    name, datatype, shape = (getattr(declared, field) for field in ("name", "datatype", "shape"))
    return {"name": name, "datatype": datatype, "shape": list(shape)}


def free_ports(count: int) -> list[int]:
    """Return ports that are not in use."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
