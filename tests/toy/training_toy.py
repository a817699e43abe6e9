"""Training of the toy model, which needs no data: its graph adds two columns."""

from collections.abc import Sequence
from pathlib import Path

from onnx import TensorProto, helper

from app.bundle.manifest import Manifest
from app.bundle.pointer import add_inactive
from app.bundle.store import write_bundle


def graph() -> bytes:
    """Return an ONNX model that adds the two columns."""
    nodes = [helper.make_node("ReduceSum", ["features", "axes"], ["total"], keepdims=1)]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    features = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", 2])
    total = helper.make_tensor_value_info("total", TensorProto.FLOAT, ["rows", 1])
    onnx_graph = helper.make_graph(nodes, "toy", [features], [total], [axes])
    model = helper.make_model(onnx_graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def train_toy(arguments: Sequence[str]) -> int:
    """Write the bundle ``toy/1`` into the folder of the first argument."""
    column = {"datatype": "FP32", "unit": "", "description": "A number", "trained_range": [0, 9]}
    data = {"source": "nothing", "sha256": "0" * 64, "rows_read": 0, "rows_used": 0, "cleaning": []}
    manifest = Manifest.model_validate(
        {
            "format_version": 1,
            "name": "toy",
            "version": "1",
            "description": "The sum of two numbers.",
            "inputs": [{"name": name, **column} for name in ("a", "b")],
            "packed": "features",
            "outputs": [{"name": "total", "datatype": "FP32", "unit": "", "description": "Their sum"}],
            "metrics": {"protocol": "None: the model is exact.", "values": {}},
            "training_data": data,
            "libraries": {},
            "parameters": {},
            "golden": {"inputs": {"a": [1, 2], "b": [3, 4]}, "outputs": {"total": [4, 6]}, "tolerance": 1e-6},
        }
    )
    root, files = Path(arguments[0]), {"model.onnx": graph(), "MODEL_CARD.md": b"# toy\n"}
    add_inactive(root, manifest.name, lambda: write_bundle(root, manifest, files))
    return 0


COMMAND = train_toy
