"""Parallel nodes of a graph are merged, and not a bit of its outputs changes."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from training.merging import merged
from training.onnx_graph import model_bytes, run_graph
from training.tracing import Nodes, Traced


def _bounds(x, y):
    """Bounds as a model has them: one distance, moved by several constants."""
    root, distance = np.sqrt(np.maximum(x, 0.0)), np.maximum(y, 0.5)
    moved = [np.maximum(root + distance * shift, 0.0) for shift in (-1.6, -0.7, 0.7, 1.6)]
    return [np.minimum(one, x) for one in moved[:2]] + [np.maximum(one, x) for one in moved[2:]]


def _partly(x, y):
    """Parallel nodes of which some are needed one by one, and in another order."""
    first, second = x * 2.0, x * 3.0
    return [first + y, second + y, second + 1.0, (first + 4.0) - (second + 4.0)]


def _crossed(x, y):
    first, second = x * 2.0 + 1.0, x * 3.0 + 1.0
    return [first * second, np.minimum(second, y), np.minimum(first, y)]


def _graph(function):
    graph = Nodes()
    graph.add("Split", ["in"], ["x", "y"], axis=1)
    columns = function(Traced(graph, "x"), Traced(graph, "y"))
    names = [column.name for column in columns]
    return names, *graph.needed(names)


def _run(names, nodes, constants, rows):
    made = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1]) for name in names],
        constants,
    )
    return run_graph(model_bytes(made), {"in": rows})


@pytest.mark.parametrize(("function", "fewer"), [(_bounds, True), (_partly, False), (_crossed, False)])
def test_the_outputs_of_a_merged_graph_are_the_same_to_the_bit(function, fewer):
    rows = np.random.default_rng(0).uniform(-5, 90, (500, 2)).astype(np.float32)
    rows[::7, 1] = np.nan
    names, nodes, constants = _graph(function)
    plain = _run(names, nodes, constants, rows)
    after, more = merged(nodes, constants, names)
    assert len(after) <= len(nodes) - (8 if fewer else 0)
    found = _run(names, after, more, rows)
    assert all(found[name].tobytes() == plain[name].tobytes() for name in names)
