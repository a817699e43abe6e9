"""A pretrained backbone with a linear head, quantised to 8 bits for speed and size."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

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
from training.pets.calibration import Numbers, calibration_error, error_of_chance, softmax, temperature
from training.pets.crops import SIDE
from training.pets.inference import INPUT, OUTPUT, predict
from training.pets.metrics import accuracy_by_corruption, figures, labels_of, model_inputs, reliability
from training.pets.teacher import OnnxTeacher
from training.pets.textures import textures
from training.pets.trainer import PROBABILITIES, CatDogTrainer, Figures, Photos
from training.trainer import Log, silent

FOLDS = 5
STRENGTH = 0.02
"""Inverse of the head's regularisation; strong, as features are many and photos few."""
CALIBRATION_PHOTOS = 128
"""Photos from which the quantiser takes the range of activations."""
TOLERANCE = 0.05
"""Allowed difference from the golden probabilities; processors differ in quantised arithmetic."""
PARITY_TOLERANCE = 1e-3
PARITY_PHOTOS = 64
DECIMALS = 4
"""Of the temperature, in the graph as well as in the manifest."""
PETS = (*range(152, 270), *range(282, 287))
"""Indexes of the dogs and cats among the 1,001 classes of ImageNet."""
TEXTURES = 200
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
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2)


class FittedBackbone(NamedTuple):
    """A quantised backbone with its head."""

    quantised: bytes
    """ONNX file that gives features and logits."""
    features: Features
    """Features of all photos, shape (n, n_features)."""
    head: LogisticRegression
    """Fitted to the features of all photos."""
    held_out_logits: dict[str, Numbers]
    """Logits by heads that were not fitted to the photo's fold, by kind of fold, shape (n, 2) each."""
    temperature: float


class BackboneTrainer(CatDogTrainer[FittedBackbone]):
    """Quantises a backbone and fits a head to its features."""

    libraries = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn")
    tolerance = PARITY_TOLERANCE
    size = SIDE
    outputs = (PROBABILITIES, MASS)
    golden_tolerance = TOLERANCE
    protocol = PROTOCOL
    prose = PROSE

    def __init__(self, folder: Path, path: Path, seed: int, log: Log = silent) -> None:
        """Initialize the trainer.

        Args:
            folder: Folder of photos.
            path: The backbone; see `OnnxTeacher`.
            seed: Random seed of the quantiser's photos and of the folds.
            log: Receives a line on each step.
        """
        super().__init__(folder, log)
        self.path = path
        self.seed = seed

    def load(self) -> Photos:
        """Read the photos and check the backbone.

        Raises:
            SourceError: If the photos or the backbone cannot be read.
            DataError: If there are too few breeds for the folds.
        """
        photos = super().load()
        if min(len({p.breed for p in photos if p.label == label}) for label in (0, 1)) < FOLDS:
            raise DataError(f"there must be photos of {FOLDS} breeds of each kind")
        self.sha256 = OnnxTeacher(self.path).sha256
        return photos

    def trained_on(self, photos: Photos) -> Photos:
        """Return the photos that the head is fitted to."""
        return photos

    def fit(self, data: Photos) -> FittedBackbone:
        """Quantise the backbone, fit the head to all photos and the temperature to held-out ones."""
        pictures, labels = model_inputs(data, SIDE), labels_of(data)
        shuffled = np.random.default_rng(self.seed).permutation(len(pictures))
        graph = quantised(self.path, pictures[shuffled[:CALIBRATION_PHOTOS]])
        self.log(f"quantised: {len(graph) / 1e6:.1f} MB, from {self.path.stat().st_size / 1e6:.1f} MB")
        features = predict(graph, pictures)["features"]
        logits = _held_out_logits(features, data, self.seed)
        heat = temperature(logits["held-out photos"], labels)
        return FittedBackbone(graph, features, _head(features, labels, self.seed), logits, heat)

    def export(self, model: FittedBackbone) -> bytes:
        """Join backbone and head."""
        return joined(model.quantised, model.head, round(model.temperature, DECIMALS))

    def difference(self, data: Photos, model: FittedBackbone, graph: bytes) -> float:
        """Return the largest difference of a probability on the first photos."""
        gap = model.head.decision_function(model.features[:PARITY_PHOTOS]) / round(model.temperature, DECIMALS)
        probabilities = predict(graph, model_inputs(data[:PARITY_PHOTOS], SIDE))[OUTPUT]
        return float(np.abs(probabilities - softmax(np.stack([-gap / 2, gap / 2], axis=1))).max())

    def evaluate(self, data: Photos, model: FittedBackbone, graph: bytes) -> Figures:
        """Measure accuracy, robustness and calibration on held-out photos and breeds."""
        pictures = model_inputs(data, SIDE)
        original = _held_out_logits(predict(self.path.read_bytes(), pictures)["features"], data, self.seed)
        heat = temperature(original["held-out photos"], labels_of(data))
        values = {
            "float": _calibrated_figures(original, data, heat),
            "whole": _calibrated_figures(model.held_out_logits, data, model.temperature),
        }
        for name, results in values.items():
            self.log(f"{name}: " + ", ".join(f"{k} {v['accuracy']:.4f}" for k, v in results["sets"].items()))
        self.log("corrupted photos and textures")
        return {
            **values["whole"],
            "trials": _accuracy_by_corruption(model, data, self.seed),
            "as_float": {name: results["accuracy"] for name, results in values["float"]["sets"].items()},
            "mass": _mass(graph, pictures),
        }

    def parameters(self, model: FittedBackbone) -> dict[str, Any]:
        """Return the manifest's parameters."""
        return {
            "backbone": self.sha256,
            "strength": STRENGTH,
            "temperature": round(model.temperature, DECIMALS),
            "seed": self.seed,
            "folds": FOLDS,
        }

    def summary(self) -> str:
        """Return the manifest's description."""
        return "Cat or dog, from a photo: a head on the features of a pretrained network, in whole numbers."

    def data_text(self, photos: Photos) -> str:
        """Return the card's text on the photos."""
        return (
            f"{len(photos)} photos. The backbone, SHA-256 `{self.sha256}`, is not trained any further; its weights "
            "are in this bundle under its own licence."
        )


class _CalibrationPictures(CalibrationDataReader):  # type: ignore[misc]
    """Gives the quantiser one picture at a time."""

    def __init__(self, pictures: Pixels) -> None:
        self._pictures = iter(pictures)

    def get_next(self) -> dict[str, Pixels] | None:
        """Return the next picture; None after the last."""
        picture = next(self._pictures, None)
        return None if picture is None else {INPUT: picture[None]}


def quantised(path: Path, pictures: Pixels) -> bytes:
    """Quantise a network to 8 bits: weights by channel, activations by their range on these pictures.

    Args:
        path: The ONNX file.
        pictures: Shape (n, 224, 224, 3), float32.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared, result = Path(folder) / "prepared.onnx", Path(folder) / "quantised.onnx"
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(result),
            _CalibrationPictures(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return result.read_bytes()


def joined(graph: bytes, head: LogisticRegression, heat: float) -> bytes:
    """Join a backbone and its head: from pictures to probabilities and to the mass on all pets.

    Args:
        graph: The backbone; gives features and logits.
        head: Fitted to the features.
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


def _held_out_logits(features: Features, photos: Photos, seed: int) -> dict[str, Numbers]:
    labels = labels_of(photos)
    sources = np.array([photo.source for photo in photos])
    breeds = np.array([photo.breed for photo in photos])
    by_photo = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, labels, sources)
    by_breed = GroupKFold(FOLDS).split(features, labels, breeds)
    return {
        "held-out photos": _cross_predicted(features, labels, by_photo, seed),
        "held-out breeds": _cross_predicted(features, labels, by_breed, seed),
    }


def _cross_predicted(features: Features, labels: NDArray[np.int64], folds: Iterable[Any], seed: int) -> Numbers:
    """Return each photo's logits by a head that was not fitted to the photo's fold, shape (n, 2)."""
    logits = np.zeros((len(labels), 2))
    for train, test in folds:
        gap = _head(features[train], labels[train], seed).decision_function(features[test])
        logits[test] = np.stack([-gap / 2, gap / 2], axis=1)
    return logits


def _calibrated_figures(logits: dict[str, Numbers], photos: Photos, heat: float) -> Figures:
    probabilities = {name: softmax(values / heat) for name, values in logits.items()}
    held_out = probabilities["held-out photos"]
    return {
        "calibration": {
            "photos": len(photos),
            "error": calibration_error(held_out, labels_of(photos)),
            "error_of_chance": error_of_chance(held_out),
        },
        "sets": {name: figures(values, photos) for name, values in probabilities.items()},
        "temperature": round(heat, DECIMALS),
        "reliability": {name: reliability(values, photos) for name, values in probabilities.items()},
    }


def _accuracy_by_corruption(model: FittedBackbone, photos: Photos, seed: int) -> dict[str, float]:
    """Return the accuracy on every fifth photo, by a head that was not fitted to them."""
    test = sorted(range(len(photos)), key=lambda index: photos[index].source)[::FOLDS]
    train = np.setdiff1d(np.arange(len(photos)), test)
    head = _head(model.features[train], labels_of(photos)[train], seed)

    def probabilities(pictures: Pixels) -> Numbers:
        return np.asarray(head.predict_proba(predict(model.quantised, pictures)["features"]))

    return accuracy_by_corruption(probabilities, [photos[index] for index in test], SIDE)


def _mass(graph: bytes, pictures: Pixels) -> dict[str, Any]:
    """Summarise the mass on photos of pets, and on textures, which show neither."""
    shown = {"photos": pictures, "textures": textures(TEXTURES, SIDE)}
    masses = {name: predict(graph, values)[MASS.name] for name, values in shown.items()}
    return {
        name: {
            "count": len(mass),
            "median": float(np.median(mass)),
            "below": {str(threshold): float((mass < threshold).mean()) for threshold in THRESHOLDS},
        }
        for name, mass in masses.items()
    }
