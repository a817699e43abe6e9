"""The ONNX graph: the whole function from the declared inputs to the declared outputs, and its parity check."""

from typing import Any, cast

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper

from training.errors import ExportError
from training.model import OUTPUTS, Model
from training.spec import Array, Spec, random_ranges
from training.tracing import Nodes, Traced
from training.trees import tree_node

PACKED = "features"
"""Name of the one input tensor, shape (n_rows, n_inputs), columns in the manifest's order."""
OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
"""Fixed, and old enough for every onnxruntime from 1.14 on."""
TOLERANCE = 1e-2
"""IBU that graph and training code may be apart."""
RANDOM_ROWS = 10_000


def graph_bytes(model: Model) -> bytes:
    """The model as an ONNX file: the same bytes for the same model.

    Args:
        model: The trained model.
    """
    spec, ensemble = model.ensemble.spec, model.ensemble
    graph = Nodes()
    inputs = [column.name for column in spec.inputs]
    graph.add("Split", [PACKED], inputs, axis=1)
    given = {name: Traced(graph, name) for name in inputs}
    features = cast(dict[str, Traced], spec.features(cast(Any, given)))
    graph.add("Concat", [features[name].name for name in ensemble.parameters.features], ["tree_features"], axis=1)
    graph.nodes.append(tree_node(ensemble.booster, "tree_features", "sums"))
    names = ["sums"]
    if len(ensemble.targets) > 1:
        names = [f"sum_{number}" for number in range(len(ensemble.targets))]
        graph.add("Split", ["sums"], names, axis=1)
    outputs = model.answer(cast(Any, features), cast(Any, [Traced(graph, name) for name in names]))
    for name, column in outputs.items():
        graph.rename(cast(Any, column).name, name)
    nodes, constants = graph.needed(OUTPUTS)
    whole = helper.make_graph(
        nodes,
        spec.name,
        [helper.make_tensor_value_info(PACKED, TensorProto.FLOAT, ["n", len(inputs)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in OUTPUTS],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    document = helper.make_model(whole, opset_imports=opsets, ir_version=IR_VERSION, producer_name="beer-model")
    checker.check_model(document, full_check=True)
    return bytes(document.SerializeToString(deterministic=True))


def run_graph(graph: bytes, inputs: Array) -> Array:
    """What ONNX Runtime gives, with one thread.

    Args:
        graph: The ONNX file.
        inputs: shape (n_rows, n_inputs), float32.

    Returns:
        shape (n_rows, 3), float32: ibu, lower, upper.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return np.concatenate(session.run(list(OUTPUTS), {PACKED: inputs}), axis=1)


def random_inputs(spec: Spec, rows: int, seed: int) -> Array:
    """Random rows over the ranges that the service accepts, a third of the optional values missing.

    Args:
        spec: The model.
        rows: How many.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    low, high = random_ranges(spec).T
    drawn = rng.uniform(low, high, size=(rows, len(low)))
    optional = np.array([column.optional for column in spec.inputs])
    return np.where(optional & (rng.random(drawn.shape) < 1 / 3), np.nan, drawn).astype(np.float32)


def check_parity(model: Model, graph: bytes, inputs: Array, seed: int) -> float:
    """Hold graph and training code together, on these rows and on 10,000 random ones.

    Args:
        model: The trained model.
        graph: Its ONNX file.
        inputs: Rows to try, shape (n_rows, n_inputs).
        seed: Seed of the random rows.

    Returns:
        The largest difference, IBU.

    Raises:
        ExportError: They are more than TOLERANCE apart, or an answer is not finite or out of order.
    """
    rows = np.concatenate([inputs, random_inputs(model.ensemble.spec, RANDOM_ROWS, seed)])
    served, trained = run_graph(graph, rows), model.predict(rows)
    ibu, lower, upper = served.T
    if not (np.isfinite(served).all() and ((0 <= lower) & (lower <= ibu) & (ibu <= upper)).all()):
        raise ExportError("an answer of the exported graph is not finite or not in order 0 <= lower <= ibu <= upper")
    apart = float(np.abs(served - trained).max())
    if not apart <= TOLERANCE:
        raise ExportError(f"the exported graph is {apart:.3g} IBU off the training code; {TOLERANCE:g} is allowed")
    return apart
