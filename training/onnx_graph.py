"""ONNX files: serialising a graph and running it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnx import GraphProto, checker, helper

from app.bundle.graph import check_graph

OPSET, IR_VERSION = 17, 8
"""Fixed, and supported by every onnxruntime from 1.14 on."""


def model_bytes(graph: GraphProto, ml_opset: int | None = None) -> bytes:
    """Serialise a graph; the same graph gives the same bytes.

    Args:
        graph: The graph.
        ml_opset: Version of the ``ai.onnx.ml`` operators, if the graph has any.
    """
    opsets = [helper.make_opsetid("", OPSET)]
    if ml_opset:
        opsets.append(helper.make_opsetid("ai.onnx.ml", ml_opset))
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="beer-model")
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def run_graph(
    graph: bytes, inputs: Mapping[str, npt.NDArray[Any]], *, threads: int = 1, batch_size: int | None = None
) -> dict[str, npt.NDArray[Any]]:
    """Run a graph with ONNX Runtime.

    Args:
        graph: The ONNX file.
        inputs: Input tensors by name, rows first.
        threads: Threads within an operator.
        batch_size: Rows a run; all at once by default. Limits memory.

    Returns:
        Output tensors by name, rows first.

    Raises:
        BundleError: If the program would reject the graph.
    """
    check_graph(graph)
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    rows = len(next(iter(inputs.values())))
    size = batch_size or rows
    batches = [
        session.run(names, {name: values[start : start + size] for name, values in inputs.items()})
        for start in range(0, rows, size)
    ]
    return {name: np.concatenate(parts) for name, parts in zip(names, zip(*batches, strict=True), strict=True)}
