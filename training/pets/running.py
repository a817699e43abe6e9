"""Running an ONNX file as the service would."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

INPUT, OUTPUT = "image", "probabilities"


def run_graph(graph: bytes, pictures: NDArray[np.float32], at_once: int = 64) -> dict[str, NDArray[np.float32]]:
    """What ONNX Runtime gives.

    Args:
        graph: The ONNX file.
        pictures: Shape (n, size, size, 3), float32.
        at_once: Pictures in a run: what many need at once is memory.

    Returns:
        Output's name to values, n first.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    parts = [session.run(names, {INPUT: pictures[at : at + at_once]}) for at in range(0, len(pictures), at_once)]
    return {name: np.concatenate(values) for name, values in zip(names, zip(*parts, strict=True), strict=True)}
