"""Traces numpy arithmetic into ONNX nodes.

Numpy's functions on a `Traced` column add nodes to the graph. Features and interval are thus written once, and training
and serving cannot differ. Functions without an ONNX counterpart raise an `ExportError`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from training.errors import ExportError

_OPERATORS: dict[Any, str] = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.divide: "Div",
    np.negative: "Neg",
    np.exp: "Exp",
    np.log: "Log",
    np.sqrt: "Sqrt",
    np.abs: "Abs",
    np.isnan: "IsNaN",
    np.maximum: "Max",
    np.minimum: "Min",
    np.less: "Less",
    np.greater: "Greater",
    np.equal: "Equal",
    np.logical_and: "And",
    np.logical_or: "Or",
    np.logical_not: "Not",
}

_COPIES = 16
"""Copies of a number whose logarithm is computed: as many float32 as a processor takes at once."""


class Nodes:
    """Nodes and constants of a graph under construction; equal operations on equal operands share a node."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[bytes, TensorProto] = {}
        self._known: dict[tuple[str, ...], str] = {}

    def emit(self, operator: str, *operands: object) -> "Traced":
        """Add a node with one output.

        Args:
            operator: ONNX operator.
            operands: Traced columns or plain numbers.
        """
        names = [self._name(operand) for operand in operands]
        key = (operator, *names)
        if key not in self._known:
            self._known[key] = f"{operator.lower()}_{len(self.nodes)}"
            if operator == "Log":
                self._add_log(names[0], self._known[key])
            else:
                self.add(operator, names, [self._known[key]])
        return Traced(self, self._known[key])

    def add(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """Add a node by the names of its inputs and outputs."""
        self.nodes.append(helper.make_node(operator, inputs, outputs, **attributes))

    def rename(self, old: str, new: str) -> None:
        """Rename a value everywhere, so that an output gets its declared name without a further node."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]

    def needed(self, outputs: Sequence[str]) -> tuple[list[NodeProto], list[TensorProto]]:
        """Return the nodes and constants that these values depend on, in order."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                kept.append(node)
        return kept[::-1], [tensor for tensor in self.constants.values() if tensor.name in wanted]

    def _add_log(self, operand: str, output: str) -> None:
        """Compute the logarithm of copies of a number and keep one.

        ONNX Runtime computes as many logarithms at once as the processor can, and the last few of a tensor one by one,
        whose last bits differ: without copies, the answer to a row would depend on the number of rows.
        """
        ones = self._constant(np.ones((1, _COPIES), np.float32))
        sizes = self._constant(np.array([1, _COPIES - 1], np.int64))
        self.add("Mul", [operand, ones], [f"{output}_copies"])
        self.add("Log", [f"{output}_copies"], [f"{output}_each"])
        self.add("Split", [f"{output}_each", sizes], [output, f"{output}_others"], axis=1)

    def _name(self, operand: object) -> str:
        if isinstance(operand, Traced):
            return operand.name
        if isinstance(operand, bool) or not isinstance(operand, (int, float, np.number)):
            raise ExportError(
                f"{type(operand).__name__} in a traced expression: only columns and numbers are supported"
            )
        return self._constant(np.array(operand, np.float32))

    def _constant(self, value: NDArray[Any]) -> str:
        tensor = self.constants.setdefault(
            value.tobytes(), numpy_helper.from_array(value, f"constant_{len(self.constants)}")
        )
        return str(tensor.name)


class Traced(NDArrayOperatorsMixin):
    """A column of the graph, shape (n_rows, 1); numpy's functions on it add nodes."""

    def __init__(self, graph: Nodes, name: str) -> None:
        self.graph = graph
        self.name = name

    def __array_ufunc__(self, function: Any, method: str, *operands: object, **settings: object) -> "Traced":
        operator = _OPERATORS.get(function)
        if operator is None or method != "__call__" or settings:
            raise ExportError(f"numpy.{function.__name__} cannot be traced into the graph")
        return self.graph.emit(operator, *operands)

    def __array_function__(
        self, function: Callable[..., object], _: object, operands: tuple[object, ...], settings: dict[str, object]
    ) -> "Traced":
        if function is not np.where or settings or len(operands) != 3:
            raise ExportError(f"numpy.{function.__name__} cannot be traced into the graph")
        return self.graph.emit("Where", *operands)
