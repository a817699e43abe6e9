"""Starts MLServer with our graph: ``python -m benchmarks.apps.mlserver_start PORT MODEL [GRPC_PORT]``.

One process, no debug mode, settings in a temporary folder, MLServer's defaults otherwise.
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


def _metadata(tensors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: tensor[key] for key in ("name", "datatype", "shape")} for tensor in tensors]


def write_settings(folder: Path, port: int, model: str, rpc: int) -> None:
    """Write MLServer's settings files.

    Args:
        folder: An empty folder.
        port: HTTP port.
        model: Path of the ONNX file; the manifest is in the same folder.
        rpc: gRPC port.
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
    model_settings = {
        "name": manifest["name"],
        "implementation": "benchmarks.apps.mlserver_runtime.OnnxModel",
        "parameters": {"uri": model, "version": manifest["version"]},
        "inputs": [packed] if manifest["packed"] else _metadata(manifest["inputs"]),
        "outputs": _metadata(manifest["outputs"]),
        "max_batch_size": int(os.environ.get("MAX_BATCH_SIZE", 0)),
        "max_batch_time": float(os.environ.get("MAX_BATCH_TIME", 0)),
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model_settings))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        rpc = int(sys.argv[3]) if len(sys.argv) > 3 else _free_port()
        write_settings(Path(folder), int(sys.argv[1]), sys.argv[2], rpc)
        sys.argv = ["mlserver", "start", folder]
        main()
