"""Synthetic photos and a random stand-in for the pretrained network: the inputs of a complete training run."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from PIL import Image

from tests.pictures import encoded, synthetic_image

BREEDS = {"cat": ("Bengal", "Sphynx", "a", "b", "c"), "dog": ("boxer", "pug", "d", "e", "f")}


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty photos: cats are reddish, dogs bluish."""
    folder = tmp_path_factory.mktemp("photos")
    for label, tint in (("cat", (255, 60, 0)), ("dog", (0, 60, 255))):
        (folder / label).mkdir()
        for number in range(40):
            image = Image.blend(synthetic_image(number, (80, 60)), Image.new("RGB", (80, 60), tint), 0.6)
            breed = BREEDS[label][number % 5]
            (folder / label / f"{breed}_{number}.jpg").write_bytes(encoded(image, "JPEG"))
    return folder


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file with the inputs and outputs of the reference backbone; its features are sums of colours."""
    path = tmp_path_factory.mktemp("pretrained") / "pretrained.onnx"
    draw = np.random.default_rng(0)
    weights = {"kernel": draw.normal(size=(16, 3, 8, 8)) / 14, "classes": draw.normal(size=(16, 1001)) / 4}
    nodes = [
        helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["maps"], strides=[8, 8]),
        helper.make_node("Relu", ["maps"], ["bent"]),
        helper.make_node("ReduceMean", ["bent"], ["features"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["features", "classes"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "pretrained",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 224, 224, 3])],
        [
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 16]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1001]),
        ],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path
