"""Merges parallel nodes of a graph: the same arithmetic on one column with several constants becomes one node.

The bounds of several intervals differ only in their constants. ONNX Runtime spends a fixed time on each node, which is
most of the time of a single row. A merged node computes columns side by side, of shape (n_rows, n_columns), with the
same float operations, so that every bit stays the same.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

_ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Sqrt"})


def merged(
    nodes: Sequence[NodeProto], constants: Sequence[TensorProto], outputs: Sequence[str]
) -> tuple[list[NodeProto], list[TensorProto]]:
    """Merge parallel nodes.

    Args:
        nodes: Nodes in the order of computation; their values have one column, except the graph's input.
        constants: Constants; those without dimensions are numbers.
        outputs: Outputs of the graph.

    Returns:
        Nodes and constants that give the same outputs.
    """
    return _Merge(nodes, constants).result(outputs)


class _Merge:
    def __init__(self, nodes: Sequence[NodeProto], constants: Sequence[TensorProto]) -> None:
        self._nodes = nodes
        self._constants = list(constants)
        self._numbers: Mapping[str, np.float32] = {
            tensor.name: np.float32(numpy_helper.to_array(tensor)) for tensor in constants if not tensor.dims
        }
        self._member: dict[str, tuple[str, int]] = {}
        """Merged value and column of each value that is merged."""
        self._values: dict[str, list[str]] = {}
        """Values of each merged one, by column."""

    def result(self, outputs: Sequence[str]) -> tuple[list[NodeProto], list[TensorProto]]:
        made: list[NodeProto] = []
        for level in self._levels():
            alike: dict[tuple[object, ...], list[NodeProto]] = {}
            for node in level:
                alike.setdefault(self._key(node), []).append(node)
            for group in alike.values():
                made += [self._merged(group)] if self._fits(group) else group
        return self._with_splits(made, outputs), self._constants

    def _levels(self) -> list[list[NodeProto]]:
        """The nodes by the length of the longest path to them."""
        depth: dict[str, int] = {}
        levels: list[list[NodeProto]] = []
        for node in self._nodes:
            level = max((depth[name] + 1 for name in node.input if name in depth), default=0)
            depth.update(dict.fromkeys(node.output, level))
            levels += [[] for _ in range(level + 1 - len(levels))]
            levels[level].append(node)
        return levels

    def _key(self, node: NodeProto) -> tuple[object, ...]:
        """What nodes that can be merged have in common; a node that cannot is alone."""
        if node.op_type not in _ELEMENTWISE:
            return (id(node),)
        return node.op_type, *map(self._kind, node.input)

    def _kind(self, name: str) -> object:
        if name in self._numbers:
            return "number"
        return ("merged", self._member[name][0]) if name in self._member else ("value", name)

    def _fits(self, group: list[NodeProto]) -> bool:
        """Whether a group can be merged; sorts it by the columns of its merged operand."""
        if len(group) < 2:
            return False
        columns = [{self._member[name][1] for name in node.input if name in self._member} for node in group]
        if not any(columns):
            return True
        places = [next(iter(found)) if len(found) == 1 else -1 for found in columns]
        order = sorted(range(len(group)), key=places.__getitem__)
        operands = {self._member[name][0] for node in group for name in node.input if name in self._member}
        group[:] = [group[place] for place in order]
        return all(sorted(places) == list(range(len(self._values[operand]))) for operand in operands)

    def _merged(self, group: list[NodeProto]) -> NodeProto:
        name = f"merged_{len(self._values)}"
        self._values[name] = [node.output[0] for node in group]
        inputs = [self._operand(list(names)) for names in zip(*(node.input for node in group), strict=True)]
        self._member.update({value: (name, column) for column, value in enumerate(self._values[name])})
        return helper.make_node(group[0].op_type, inputs, [name])

    def _operand(self, names: list[str]) -> str:
        """The operand of a merged node for those of its nodes."""
        if len(set(names)) == 1:
            return names[0]
        if names[0] in self._member:
            return self._member[names[0]][0]
        row = np.array([[self._numbers[name] for name in names]], np.float32)
        tensor = numpy_helper.from_array(row, f"constants_{len(self._constants)}")
        self._constants.append(tensor)
        return tensor.name

    def _with_splits(self, made: Sequence[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
        """Split merged values whose columns are needed one by one; drop constants that are not needed."""
        used = {name for node in made for name in node.input} | set(outputs)
        found: list[NodeProto] = []
        for node in made:
            found.append(node)
            values = self._values.get(node.output[0], [])
            if not used.isdisjoint(values):
                found.append(helper.make_node("Split", [node.output[0]], values, axis=1))
        self._constants = [tensor for tensor in self._constants if tensor.name in used]
        return found
