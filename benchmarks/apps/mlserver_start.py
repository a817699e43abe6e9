"""Starts MLServer with our graph: ``python -m benchmarks.apps.mlserver_start PORT MODEL [GRPC_PORT]``.

One process, no debug, settings in a temporary folder; all else as MLServer has it. MAX_BATCH_SIZE and MAX_BATCH_TIME
in the environment are those of its adaptive batching.
"""

import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from mlserver.cli.main import main


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _described(tensors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: each[key] for key in ("name", "datatype", "shape")} for each in tensors]


def write_settings(folder: Path, port: int, model: str, rpc: int) -> None:
    """Write what MLServer reads.

    Args:
        folder: An empty folder.
        port: Of HTTP.
        model: Path of the ONNX file, with its manifest beside it.
        rpc: Port of gRPC.
    """
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": rpc,
        "metrics_port": _free_port(),
        "debug": False,
        "parallel_workers": 0,
    }
    manifest = json.loads(Path(model).with_name("manifest.json").read_text("utf-8"))
    packed = {"name": manifest["packed"], "datatype": "FP32", "shape": [-1, len(manifest["inputs"])]}
    described = {
        "name": manifest["name"],
        "implementation": "benchmarks.apps.mlserver_runtime.OnnxModel",
        "parameters": {"uri": model, "version": manifest["version"]},
        "inputs": [packed] if manifest["packed"] else _described(manifest["inputs"]),
        "outputs": _described(manifest["outputs"]),
        "max_batch_size": int(os.environ.get("MAX_BATCH_SIZE", 0)),
        "max_batch_time": float(os.environ.get("MAX_BATCH_TIME", 0)),
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(described))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        rpc = int(sys.argv[3]) if len(sys.argv) > 3 else _free_port()
        write_settings(Path(place), int(sys.argv[1]), sys.argv[2], rpc)
        sys.argv = ["mlserver", "start", place]
        main()
