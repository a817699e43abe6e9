"""The backbone way: a pretrained network's features as they are, a two-way head, whole numbers for speed and size."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from app.bundle.manifest import Output
from app.domains.pets.pixels import Pixels
from training.errors import DataError
from training.pets.bundle import PROBABILITIES, Made
from training.pets.calibration import Numbers, calibration_error, error_of_chance, softmax, temperature
from training.pets.judge import by_trial, figures, labels_of, reliability, seen
from training.pets.photos import Photo
from training.pets.running import INPUT, OUTPUT, run_graph
from training.pets.teacher import Teacher
from training.pets.textures import textures
from training.pets.views import SIDE

FOLDS = 5
STRENGTH = 0.02
"""Inverse of the head's regularisation: features are many, photos few."""
CALIBRATED_WITH = 128
"""Photos that tell the quantiser how large the numbers inside become."""
TOLERANCE = 0.05
"""Probability that golden answers may differ by: processors multiply whole numbers in different ways."""
PETS = (*range(152, 270), *range(282, 287))
"""Classes of ImageNet's 1,001 that are dogs and cats."""
TEXTURES = 200
LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn")
MASS = Output(
    name="mass",
    datatype="FP32",
    shape=(-1, 1),
    unit="",
    description="What the backbone puts on all cats and dogs together; low where the picture shows neither",
)
PROTOCOL = (
    "Held-out photos: five folds of photos, those of one source file together. Held-out breeds: five folds of breeds, "
    "each judged by a head that has not seen them. Both on the graph of whole numbers, whose head is fitted to its own "
    "features; the committed head learns from all photos. Photos made worse: every fifth photo, by a head that has not "
    "seen it."
)
PROSE = {
    "use": "Telling a cat from a dog in a photo, and saying so where there is probably neither.",
    "misuse": "Anything that hangs on the answer. It does not find animals, count them, or know one from another.",
    "faults": "Foxes, wolves and other kin of cats and dogs are taken for them. It was trained on ImageNet, where "
    "photos of the data set above may have been, too.",
}
Features = NDArray[np.float32]


def build(photos: Sequence[Photo], path: Path, seed: int, say: Callable[[str], None]) -> Made:
    """Quantise the backbone, fit a head to its features, measure, and join them.

    Args:
        photos: All photos.
        path: The backbone; see `Teacher`.
        seed: Draws the photos that the quantiser is shown, and the folds.
        say: Told of each step.

    Returns:
        What the bundle is made of.

    Raises:
        SourceError: The file cannot be read or is no such network.
        DataError: There are too few photos or breeds for folds.
    """
    if min(len({(p.label, p.breed) for p in photos if p.label == label}) for label in (0, 1)) < FOLDS:
        raise DataError(f"there must be photos of {FOLDS} breeds of each kind")
    backbone = Teacher(path)
    pictures = seen(photos, SIDE)
    draw = np.random.default_rng(seed)
    whole = quantised(path, pictures[draw.permutation(len(pictures))[:CALIBRATED_WITH]])
    say(f"whole numbers: {len(whole) / 1e6:.1f} MB, from {path.stat().st_size / 1e6:.1f} MB")
    values = {
        name: _measured(graph, pictures, photos, seed)
        for name, graph in (("float", path.read_bytes()), ("whole", whole))
    }
    for name, found in values.items():
        say(f"{name}: " + ", ".join(f"{k} {v['accuracy']:.4f}" for k, v in found["sets"].items()))
    features = run_graph(whole, pictures)["features"]
    head = _head(features, labels_of(photos), seed)
    heat = values["whole"]["temperature"]
    graph = joined(whole, head, heat)
    say("photos made worse, and pictures of neither")
    return Made(
        graph,
        SIDE,
        "Cat or dog, from a photo: a head on the features of a pretrained network, in whole numbers.",
        (PROBABILITIES, MASS),
        TOLERANCE,
        PROTOCOL,
        {
            **values["whole"],
            "trials": _trials(whole, features, photos, seed),
            "as_float": {name: found["accuracy"] for name, found in values["float"]["sets"].items()},
            "mass": _mass(graph, pictures),
        },
        {"backbone": backbone.sha256, "strength": STRENGTH, "temperature": heat, "seed": seed, "folds": FOLDS},
        LIBRARIES,
        {
            **PROSE,
            "data": f"{len(photos)} photos. The backbone, SHA-256 `{backbone.sha256}`, is not trained "
            "any further; its weights are in this bundle under its own licence.",
        },
    )


class _Shown(CalibrationDataReader):  # type: ignore[misc]
    """Pictures one by one, as the quantiser asks for them."""

    def __init__(self, pictures: Pixels) -> None:
        self._rest = iter(pictures)

    def get_next(self) -> dict[str, Pixels] | None:
        """The next picture; None after the last."""
        picture = next(self._rest, None)
        return None if picture is None else {INPUT: picture[None]}


def quantised(path: Path, pictures: Pixels) -> bytes:
    """A network in whole numbers of eight bits: weights by channel, what flows between by what these pictures make it.

    Args:
        path: The ONNX file.
        pictures: Shape (n, 224, 224, 3), float32.
    """
    with tempfile.TemporaryDirectory() as folder:
        ready, whole = Path(folder) / "ready.onnx", Path(folder) / "whole.onnx"
        quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(whole),
            _Shown(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return whole.read_bytes()


def joined(graph: bytes, head: LogisticRegression, heat: float) -> bytes:
    """A backbone with its head: from pictures to probabilities and to the mass on all pets.

    Args:
        graph: Gives features and logits.
        head: Fitted to its features.
        heat: Temperature of the head.
    """
    document = onnx.load_from_string(graph)
    half = (head.coef_[0] / heat / 2).astype(np.float32)
    shift = np.float32(head.intercept_[0] / heat / 2)
    constants = {
        "head_weights": np.stack([-half, half], axis=1),
        "head_shift": np.array([-shift, shift], np.float32),
        "pets": np.array(PETS, np.int64),
        "along": np.array([1], np.int64),
    }
    document.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    document.graph.node.extend(
        [
            helper.make_node("Gemm", ["features", "head_weights", "head_shift"], ["kinds"]),
            helper.make_node("Softmax", ["kinds"], [OUTPUT], axis=1),
            helper.make_node("Softmax", ["logits"], ["chances"], axis=1),
            helper.make_node("Gather", ["chances", "pets"], ["pets_chances"], axis=1),
            helper.make_node("ReduceSum", ["pets_chances", "along"], [MASS.name], keepdims=1),
        ]
    )
    del document.graph.output[:]
    document.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in ((OUTPUT, 2), (MASS.name, 1))
    )
    return bytes(document.SerializeToString(deterministic=True))


def _head(features: Features, labels: NDArray[np.int64], seed: int) -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, max_iter=1000, random_state=seed).fit(features, labels)


def _measured(graph: bytes, pictures: Pixels, photos: Sequence[Photo], seed: int) -> dict[str, Any]:
    features, labels = run_graph(graph, pictures)["features"], labels_of(photos)
    sources = np.array([photo.source for photo in photos])
    breeds = np.array([photo.breed for photo in photos])
    by_photo = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, labels, sources)
    by_breed = GroupKFold(FOLDS).split(features, labels, breeds)
    logits = {
        "held-out photos": _unseen(features, labels, list(by_photo), seed),
        "held-out breeds": _unseen(features, labels, list(by_breed), seed),
    }
    heat = temperature(logits["held-out photos"], labels)
    chances = {name: softmax(found / heat) for name, found in logits.items()}
    said = chances["held-out photos"]
    return {
        "calibration": {
            "photos": len(photos),
            "error": calibration_error(said, labels),
            "error_of_chance": error_of_chance(said),
        },
        "sets": {name: figures(found, photos) for name, found in chances.items()},
        "temperature": round(heat, 4),
        "reliability": {name: reliability(found, photos) for name, found in chances.items()},
    }


def _unseen(features: Features, labels: NDArray[np.int64], folds: list[Any], seed: int) -> Numbers:
    """Each photo's logits by a head that has not seen its fold."""
    found = np.zeros((len(labels), 2))
    for learnt, judged in folds:
        gap = _head(features[learnt], labels[learnt], seed).decision_function(features[judged])
        found[judged] = np.stack([-gap / 2, gap / 2], axis=1)
    return found


def _trials(graph: bytes, features: Features, photos: Sequence[Photo], seed: int) -> dict[str, float]:
    judged = sorted(range(len(photos)), key=lambda number: photos[number].source)[::FOLDS]
    learnt = np.setdiff1d(np.arange(len(photos)), judged)
    head = _head(features[learnt], labels_of(photos)[learnt], seed)

    def answer(pictures: Pixels) -> Numbers:
        return np.asarray(head.predict_proba(run_graph(graph, pictures)["features"]))

    return by_trial(answer, [photos[number] for number in judged], SIDE)


def _mass(graph: bytes, pictures: Pixels) -> dict[str, Any]:
    """How the mass is spread over photos of pets and over textures, which show neither."""
    thresholds = (0.01, 0.02, 0.05, 0.1, 0.2)
    shown = {"photos": pictures, "textures": textures(TEXTURES, SIDE)}
    found = {name: run_graph(graph, each)[MASS.name] for name, each in shown.items()}
    return {
        name: {
            "count": len(mass),
            "median": float(np.median(mass)),
            "below": {str(limit): float((mass < limit).mean()) for limit in thresholds},
        }
        for name, mass in found.items()
    }
