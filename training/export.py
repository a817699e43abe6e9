"""The ONNX graph of a beer model: the whole function from the declared inputs to the declared outputs."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from onnx import TensorProto, helper

from training.errors import ExportError
from training.merging import merged
from training.model import OUTPUTS, Model, outputs_of
from training.onnx_graph import model_bytes, run_graph
from training.spec import Array, Spec, random_ranges
from training.tracing import Nodes, Traced
from training.trees import tree_node

PACKED = "features"
"""Name of the one input tensor, shape (n_rows, n_inputs), columns in the manifest's order."""
ML_OPSET = 3
TOLERANCE = 1e-2
"""Allowed difference between graph and training code, IBU."""
RANDOM_ROWS = 10_000


def graph_bytes(model: Model) -> bytes:
    """Export the model as an ONNX file; the same model gives the same bytes.

    Args:
        model: The trained model.
    """
    spec, ensemble = model.ensemble.spec, model.ensemble
    graph = Nodes()
    inputs = [column.name for column in spec.inputs]
    graph.add("Split", [PACKED], inputs, axis=1)
    columns = {name: Traced(graph, name) for name in inputs}
    features = cast(dict[str, Traced], spec.features(cast(Any, columns)))
    graph.add("Concat", [features[name].name for name in ensemble.parameters.features], ["tree_features"], axis=1)
    graph.nodes.append(tree_node(ensemble.booster, "tree_features", "sums"))
    names = ["sums"]
    if len(ensemble.targets) > 1:
        names = [f"sum_{number}" for number in range(len(ensemble.targets))]
        graph.add("Split", ["sums"], names, axis=1)
    outputs = model.answer(cast(Any, features), cast(Any, [Traced(graph, name) for name in names]))
    for name, column in outputs.items():
        graph.rename(cast(Any, column).name, name)
    declared = outputs_of(ensemble.parameters)
    nodes, constants = merged(*graph.needed(declared), declared)
    whole = helper.make_graph(
        nodes,
        spec.name,
        [helper.make_tensor_value_info(PACKED, TensorProto.FLOAT, ["n", len(inputs)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in declared],
        constants,
    )
    return model_bytes(whole, ML_OPSET)


def predict_with_graph(graph: bytes, inputs: Array, names: Sequence[str] = OUTPUTS) -> Array:
    """Predict with the exported graph.

    Args:
        graph: The ONNX file.
        inputs: Declared inputs, shape (n_rows, n_inputs), float32.
        names: Outputs to return.

    Returns:
        IBU, lower and upper, or the named outputs, shape (n_rows, n_names), float32.
    """
    outputs = run_graph(graph, {PACKED: inputs})
    return np.concatenate([outputs[name] for name in names], axis=1)


def random_inputs(spec: Spec, rows: int, seed: int) -> Array:
    """Draw random rows over the ranges that the service accepts; a third of the optional values are missing.

    Args:
        spec: The model.
        rows: Number of rows.
        seed: Random seed.
    """
    rng = np.random.default_rng(seed)
    low, high = random_ranges(spec).T
    drawn = rng.uniform(low, high, size=(rows, len(low)))
    optional = np.array([column.optional for column in spec.inputs])
    return np.where(optional & (rng.random(drawn.shape) < 1 / 3), np.nan, drawn).astype(np.float32)


def largest_difference(model: Model, graph: bytes, inputs: Array, seed: int) -> float:
    """Compare the exported graph with the training code, on these rows and on 10,000 random ones.

    Args:
        model: The trained model.
        graph: Its ONNX file.
        inputs: Declared inputs, shape (n_rows, n_inputs).
        seed: Seed of the random rows.

    Returns:
        The largest difference, IBU.

    Raises:
        ExportError: If a prediction of the graph is not finite or not in order.
    """
    rows = np.concatenate([inputs, random_inputs(model.ensemble.spec, RANDOM_ROWS, seed)])
    names = outputs_of(model.ensemble.parameters)
    exported, trained = predict_with_graph(graph, rows, names), model.predict(rows, names)
    ibu, lower, upper = exported[:, :1], exported[:, 1::2], exported[:, 2::2]
    if not (np.isfinite(exported).all() and ((0 <= lower) & (lower <= ibu) & (ibu <= upper)).all()):
        raise ExportError("a prediction of the exported graph is not finite or not 0 <= lower <= ibu <= upper")
    return float(np.abs(exported - trained).max())
