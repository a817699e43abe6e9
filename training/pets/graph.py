"""The ONNX graph of the small network: the mean of the logits of a picture and of its mirror image.

Batch normalisation and temperature are folded into the weights, which are stored at half precision.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from training.onnx_graph import model_bytes
from training.pets.inference import INPUT, OUTPUT, predict
from training.pets.network import Block, Network


class Graph:
    """A graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weights(self, values: Tensor) -> str:
        """Add a constant, stored at half and used at single precision, and return its name."""
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values.detach().numpy().astype(np.float16), name))
        return self.add("Cast", [name], to=TensorProto.FLOAT)

    def numbers(self, values: list[int]) -> str:
        """Add a constant of integers and return its name."""
        name = f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def layer(self, value: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> str:
        """Add a convolution with its normalisation folded in, and return the name of its output."""
        assert norm.running_var is not None and norm.running_mean is not None  # nosec B101
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weights = self.weights(convolution.weight * scale[:, None, None, None])
        shift = self.weights(norm.bias - norm.running_mean * scale)
        padding = [convolution.padding[0]] * 4
        return self.add("Conv", [value, weights, shift], strides=list(convolution.stride), pads=padding)

    def layers(self, value: str, modules: nn.Sequential) -> str:
        """Add a sequence of layers and return the name of the last output."""
        following = list(modules)[1:]
        for index, module in enumerate(modules):
            if isinstance(module, nn.Conv2d):
                value = self.layer(value, module, following[index])
            elif isinstance(module, nn.ReLU):
                value = self.add("Relu", [value])
            elif isinstance(module, Block):
                value = self.add("Relu", [self.add("Add", [value, self.layers(value, module.layers)])])
            elif isinstance(module, nn.AdaptiveAvgPool2d):
                value = self.add("GlobalAveragePool", [value])
            elif isinstance(module, nn.Flatten):
                value = self.add("Flatten", [value])
        return value


def graph_bytes(network: Network, size: int, temperature: float) -> bytes:
    """Export the network as an ONNX file; the same network gives the same bytes.

    Args:
        network: A trained network.
        size: Width and height of its pictures, pixels.
        temperature: Divisor of the logits.

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
    return model_bytes(whole)


def logits_of(network: Network, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the mean logits of pictures and their mirror images.

    Args:
        network: A trained network.
        pictures: Shape (n, size, size, 3), float32.

    Returns:
        Logits, shape (n, 2).
    """
    plain = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = network.eval()(plain).kinds + network(plain.flip(-1)).kinds
    return np.asarray((logits / 2).numpy())


def largest_difference(network: Network, graph: bytes, pictures: NDArray[np.float32], temperature: float) -> float:
    """Compare the exported graph with the network.

    Args:
        network: The network.
        graph: Its ONNX file.
        pictures: Shape (n, size, size, 3), float32.
        temperature: Divisor of the logits.

    Returns:
        The largest difference of a probability.
    """
    logits = torch.from_numpy(logits_of(network, pictures)) / temperature
    return float(np.abs(predict(graph, pictures)[OUTPUT] - torch.softmax(logits, -1).numpy()).max())
