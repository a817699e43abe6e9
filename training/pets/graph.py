"""The ONNX graph of the network: it looks at a picture and its mirror image, and takes the mean of both.

Normalisations are folded into weights, weights are kept at half precision, and the temperature is in them.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper
from torch import Tensor, nn

from training.errors import ExportError
from training.pets.network import Block, Network
from training.pets.running import INPUT, OUTPUT, run_graph

OPSET, IR_VERSION = 17, 8
TOLERANCE = 5e-3
"""Probability that graph and network may be apart: the weights are rounded to half precision."""


class Graph:
    """Nodes and constants, one after the other."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """A node; returns its output's name."""
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weights(self, values: Tensor) -> str:
        """A constant kept at half precision and used at single; returns its name."""
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values.detach().numpy().astype(np.float16), name))
        return self.add("Cast", [name], to=TensorProto.FLOAT)

    def numbers(self, values: list[int]) -> str:
        """A constant of whole numbers; returns its name."""
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def layer(self, value: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> str:
        """A convolution with the normalisation after it folded in; returns its output's name."""
        assert norm.running_var is not None and norm.running_mean is not None  # nosec B101
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weights = self.weights(convolution.weight * scale[:, None, None, None])
        shift = self.weights(norm.bias - norm.running_mean * scale)
        padding = [convolution.padding[0]] * 4
        return self.add("Conv", [value, weights, shift], strides=list(convolution.stride), pads=padding)

    def layers(self, value: str, modules: nn.Sequential) -> str:
        """Layers, one after the other; returns the last one's output's name."""
        found = list(modules)
        for number, module in enumerate(found):
            if isinstance(module, nn.Conv2d):
                value = self.layer(value, module, found[number + 1])
            elif isinstance(module, nn.ReLU):
                value = self.add("Relu", [value])
            elif isinstance(module, Block):
                value = self.add("Relu", [self.add("Add", [value, self.layers(value, module.ways)])])
            elif isinstance(module, nn.AdaptiveAvgPool2d):
                value = self.add("GlobalAveragePool", [value])
            elif isinstance(module, nn.Flatten):
                value = self.add("Flatten", [value])
        return value


def graph_bytes(network: Network, size: int, temperature: float) -> bytes:
    """The network as an ONNX file: the same bytes for the same network.

    Args:
        network: A trained one.
        size: Pixels on a side of its pictures.
        temperature: What the logits are divided by.

    Returns:
        A graph from ``image``, FP32 [n, size, size, 3], to ``probabilities``, FP32 [n, 2], of cat and dog.
    """
    graph = Graph()
    mirrored = graph.add("Slice", [INPUT, *(graph.numbers([value]) for value in (-1, -size - 1, 2, -1))])
    both = graph.add("Concat", [INPUT, mirrored], axis=0)
    embedding = graph.layers(graph.add("Transpose", [both], perm=[0, 3, 1, 2]), network.trunk)
    head = [graph.weights(network.kinds.weight / temperature), graph.weights(network.kinds.bias / temperature)]
    logits = graph.add("Reshape", [graph.add("Gemm", [embedding, *head], transB=1), graph.numbers([2, -1, 2])])
    graph.add("Softmax", [graph.add("ReduceMean", [logits], axes=[0], keepdims=0)], OUTPUT, axis=1)
    whole = helper.make_graph(
        graph.nodes,
        "cat-dog",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", size, size, 3])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 2])],
        graph.constants,
    )
    document = helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="beer-model"
    )
    checker.check_model(document, full_check=True)
    return bytes(document.SerializeToString(deterministic=True))


def logits_of(network: Network, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network makes of pictures and their mirror images, in the mean.

    Args:
        network: A trained one.
        pictures: Shape (n, size, size, 3), float32.

    Returns:
        Logits, shape (n, 2).
    """
    plain = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    with torch.no_grad():
        said = network.eval()(plain).kinds + network(plain.flip(-1)).kinds
    return np.asarray((said / 2).numpy())


def check_parity(network: Network, graph: bytes, pictures: NDArray[np.float32], temperature: float) -> float:
    """Hold graph and network together.

    Args:
        network: What was exported.
        graph: The ONNX file.
        pictures: Shape (n, size, size, 3), float32.
        temperature: See `graph_bytes`.

    Returns:
        How far apart a probability is at most.

    Raises:
        ExportError: Farther than rounding explains.
    """
    said = torch.from_numpy(logits_of(network, pictures)) / temperature
    apart = float(np.abs(run_graph(graph, pictures)[OUTPUT] - torch.softmax(said, -1).numpy()).max())
    if apart > TOLERANCE:
        raise ExportError(f"graph and network are {apart:.1e} apart")
    return apart
