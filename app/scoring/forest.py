"""Runs a graph with one ensemble of small trees over many rows, some times as fast as ONNX Runtime and to the same bit.

ONNX Runtime goes down each tree row by row. Here each comparison of a tree is made for many rows at once, with numbers
of intervals in place of the values: a byte for a row. The results are the bits of a number, which a table of the tree
turns into the leaf's weight. Weights are added in the order of the trees, as ONNX Runtime adds them, in float32. What
precedes and follows the trees in the graph is run by ONNX Runtime. A model is run in this way only if random rows are
answered to the same bit.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import utils

from app.models.loaded import LoadedModel
from app.runtime.predictor import Array
from app.scoring.steadiness import sample_of

MAX_COMPARISONS = 8
"""Most comparisons of a tree: its table has a weight for each combination of their results."""
ROWS = 65_536
"""Rows that are answered at once: enough that the calls cost little, few enough for the processor's second cache."""
_TREES = "TreeEnsembleRegressor"
_LESS, _LEAF = b"BRANCH_LT", b"LEAF"


def quick_run(
    loaded: LoadedModel, graph: bytes, outputs: Sequence[str] = ()
) -> Callable[[Array], dict[str, Array]] | None:
    """Return what runs a model's graph quickly; None if it is of another kind, or does not give the same bits.

    Args:
        loaded: The model.
        graph: Its verified graph.
        outputs: The outputs that are wanted; by default all of them.
    """
    packed = loaded.manifest.packed
    if packed is None:
        return None
    names = [output.name for output in loaded.manifest.outputs]
    try:
        forest = Forest(graph, outputs or names)
    except NotFast:
        return None
    rows = sample_of(loaded, packed)
    with np.errstate(over="ignore"):
        rows = np.concatenate([rows, rows * np.float32(3.0), np.full_like(rows[:1], np.nan)])
    found, expected = forest.run(rows), loaded.what_if({packed: rows})
    is_same = all(found[name].tobytes() == expected[name].tobytes() for name in found)
    return forest.run if is_same else None


class NotFast(Exception):
    """The graph is not of the kind that this module runs."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Whether a feature is less than a bound."""

    feature: int
    bound: int
    """The largest number of an interval that is below the bound."""
    is_true_if_missing: bool


@dataclass(frozen=True, slots=True)
class _Tree:
    target: int
    comparisons: tuple[_Comparison, ...]
    weights: NDArray[np.float32]
    """By the results of the comparisons as bits: the leaf's weight."""


class Forest:
    """A graph whose trees are run here."""

    def __init__(self, graph: bytes, outputs: Sequence[str]) -> None:
        """Take a graph apart.

        Args:
            graph: The ONNX file.
            outputs: The outputs that are wanted.

        Raises:
            NotFast: If it has not exactly one ensemble of trees, or one of another kind.
        """
        model = onnx.load_from_string(graph)
        nodes = [node for node in model.graph.node if node.op_type == _TREES]
        if len(nodes) != 1 or len(model.graph.input) != 1:
            raise NotFast
        (node,) = nodes
        self._input, self._outputs = model.graph.input[0].name, list(outputs)
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        self._base = np.array(attributes.get("base_values", [0.0] * attributes["n_targets"]), np.float32)
        if (
            attributes.get("aggregate_function", b"SUM") != b"SUM"
            or attributes.get("post_transform", b"NONE") != b"NONE"
        ):
            raise NotFast
        self._bounds, self._trees = _trees_of(attributes)
        self._before = _part(model, [self._input], [node.input[0]])
        self._after = _part(model, [node.output[0], self._input], self._outputs)
        self._sums_name = node.output[0]
        self._after_takes = {declared.name for declared in self._after.get_inputs()}

    def run(self, rows: Array) -> dict[str, Array]:
        """Run the graph.

        Args:
            rows: The rows, shape (n_rows, n_inputs), float32.

        Returns:
            The outputs by name.
        """
        parts = [self._run(rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]
        return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(self._outputs)}

    def _run(self, rows: Array) -> list[Array]:
        (features,) = self._before.run(None, {self._input: rows})
        sums = self._sums(features)
        given = {self._sums_name: sums, self._input: rows}
        outputs: list[Array] = self._after.run(
            self._outputs, {name: given[name] for name in given if name in self._after_takes}
        )
        return outputs

    def _sums(self, features: Array) -> Array:
        count = len(features)
        low: list[Any] = []
        high: list[Any] = []
        for column, bounds in zip(features.T, self._bounds, strict=False):
            numbers = np.searchsorted(bounds, column, side="right").astype(np.uint8)
            missing = np.isnan(column)
            is_complete = not missing.any()
            low.append(numbers if is_complete else np.where(missing, np.uint8(0), numbers))
            high.append(numbers if is_complete else np.where(missing, np.uint8(255), numbers))
        sums = np.zeros((len(self._base), count), np.float32)
        code, bit, weight = np.empty(count, np.uint8), np.empty(count, np.bool_), np.empty(count, np.float32)
        byte = bit.view(np.uint8)
        for tree in self._trees:
            code.fill(0)
            for place, each in enumerate(tree.comparisons):
                numbers = (low if each.is_true_if_missing else high)[each.feature]
                if place == 0:
                    np.less_equal(numbers, each.bound, out=code.view(np.bool_))
                    continue
                np.less_equal(numbers, each.bound, out=bit)
                np.multiply(byte, 1 << place, out=byte)  # quicker than a shift
                np.bitwise_or(code, byte, out=code)
            np.take(tree.weights, code, out=weight, mode="wrap")
            sums[tree.target] += weight
        return np.ascontiguousarray((sums + self._base[:, None]).T)


def _part(model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> onnxruntime.InferenceSession:
    """A part of a graph.

    Raises:
        NotFast: If it needs more than these inputs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        extracted = utils.Extractor(onnx.shape_inference.infer_shapes(model)).extract_model(list(inputs), list(outputs))
        return onnxruntime.InferenceSession(extracted.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # those of ONNX Runtime share no base class
        raise NotFast from error


def _trees_of(attributes: Mapping[str, Any]) -> tuple[list[NDArray[np.float32]], list[_Tree]]:
    """The bounds of the intervals of each feature, and the trees."""
    nodes = list(
        zip(
            attributes["nodes_treeids"],
            attributes["nodes_nodeids"],
            attributes["nodes_modes"],
            attributes["nodes_featureids"],
            attributes["nodes_values"],
            attributes["nodes_truenodeids"],
            attributes["nodes_falsenodeids"],
            attributes.get("nodes_missing_value_tracks_true") or [0] * len(attributes["nodes_treeids"]),
            strict=True,
        )
    )
    if any(node[2] not in (_LESS, _LEAF) for node in nodes):
        raise NotFast
    by_feature: dict[int, set[float]] = defaultdict(set)
    for _, _, mode, feature, value, *_ in nodes:
        if mode == _LESS:
            by_feature[feature].add(value)
    bounds = [
        np.array(sorted(by_feature[each]), np.float32) for each in range(max(by_feature) + 1)
    ]  # the last features may have none
    if any(len(each) >= 255 for each in bounds):
        raise NotFast
    leaves: dict[tuple[int, int], tuple[int, float]] = {}
    for tree, node, target, weight in zip(
        attributes["target_treeids"],
        attributes["target_nodeids"],
        attributes["target_ids"],
        attributes["target_weights"],
        strict=True,
    ):
        if (tree, node) in leaves:
            raise NotFast
        leaves[tree, node] = target, weight
    by_tree: dict[int, dict[int, tuple[Any, ...]]] = defaultdict(dict)
    for tree, node, *rest in nodes:
        by_tree[tree][node] = tuple(rest)
    return bounds, [_tree(tree, by_tree[tree], leaves, bounds) for tree in sorted(by_tree)]


def _tree(
    number: int,
    nodes: Mapping[int, tuple[Any, ...]],
    leaves: Mapping[tuple[int, int], tuple[int, float]],
    bounds: Sequence[NDArray[np.float32]],
) -> _Tree:
    found: dict[_Comparison, int] = {}
    places: dict[int, int] = {}
    for node, (mode, feature, value, _, _, missing) in nodes.items():
        if mode == _LESS:
            bound = int(np.searchsorted(bounds[feature], np.float32(value)))
            places[node] = found.setdefault(_Comparison(feature, bound, bool(missing)), len(found))
    if len(found) > MAX_COMPARISONS:
        raise NotFast
    targets = {leaves[number, node][0] for node, values in nodes.items() if values[0] == _LEAF}
    if len(targets) != 1:
        raise NotFast
    weights = np.zeros(1 << len(found), np.float32)
    root = min(nodes)
    for code in range(len(weights)):
        node = root
        while nodes[node][0] == _LESS:
            node = nodes[node][3 if code >> places[node] & 1 else 4]
        weights[code] = leaves[number, node][1]
    return _Tree(targets.pop(), tuple(found), weights)
