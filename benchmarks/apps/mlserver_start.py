"""Starts MLServer with our graph: ``python -m benchmarks.apps.mlserver_start PORT MODEL``.

One process, no debug, settings in a temporary folder; all else as MLServer has it.
"""

import json
import socket
import sys
import tempfile
from pathlib import Path

from mlserver.cli.main import main


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_settings(folder: Path, port: int, model: str) -> None:
    """Write what MLServer reads.

    Args:
        folder: An empty folder.
        port: Of HTTP.
        model: Path of the ONNX file.
    """
    settings = {
        "host": "127.0.0.1", "http_port": port, "grpc_port": _free_port(), "metrics_port": _free_port(),
        "debug": False, "parallel_workers": 0,
    }
    described = {
        "name": "beer-ibu",
        "implementation": "benchmarks.apps.mlserver_runtime.OnnxModel",
        "parameters": {"uri": model},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(described))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        write_settings(Path(place), int(sys.argv[1]), sys.argv[2])
        sys.argv = ["mlserver", "start", place]
        main()
