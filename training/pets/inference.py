"""Inference with the exported graphs of picture models."""

import numpy as np
from numpy.typing import NDArray

from training.onnx_graph import run_graph

INPUT, OUTPUT = "image", "probabilities"
BATCH_SIZE = 64
THREADS = 2


def predict(graph: bytes, pictures: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Run a graph as the service does.

    Args:
        graph: The ONNX file.
        pictures: Shape (n, size, size, 3), float32.

    Returns:
        Outputs by name, n rows each.
    """
    return run_graph(graph, {INPUT: pictures}, threads=THREADS, batch_size=BATCH_SIZE)
