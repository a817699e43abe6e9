"""A detector of pictures that show neither cat nor dog: a linear score of the small network's own features.

It is fitted to the training photos, as they are and corrupted, against drawings and against patches of the photos'
backgrounds in which the teacher sees no pet (outlier exposure: Hendrycks, Mazeika and Dietterich 2019). Its threshold
is calibrated on held-out photos. It becomes part of the graph, as a second output.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from app.bundle.manifest import Output
from app.domains.pets.api import NEITHER
from app.domains.pets.modes import upright
from app.domains.pets.pixels import Pixels, pixels, scaled
from training.onnx_graph import model_bytes
from training.pets.corruptions import CORRUPTIONS, UNCHANGED
from training.pets.crops import border_crop, padded, random_crop, resize
from training.pets.drawings import KINDS, drawings
from training.pets.inference import predict
from training.pets.metrics import model_inputs
from training.pets.photos import Photo
from training.pets.teacher import Teacher
from training.trainer import Log, silent

Numbers = NDArray[np.float64]
MASS = Output(
    name="mass",
    datatype="FP32",
    shape=(-1, 1),
    unit="",
    description=f"From 0 to 1: how much the picture looks like one of a cat or a dog; below {NEITHER} probably neither",
)
FALSE_ALARMS = 0.01
"""Share of held-out photos of cats and dogs that the threshold gives up; calibrated on some hundred photos."""
PETS = (*range(152, 270), *range(282, 287))
"""Indexes of the dogs and cats among the teacher's 1,001 classes of ImageNet."""
_SHOWS_A_PET, _SHOWS_NONE = 0.3, 0.03
"""Probability that the teacher gives to all pets, above and below which a crop is used."""
_STRENGTH = 0.01
"""Inverse of the regularisation."""
_WEIGHT = 4000
"""Weight of each side, of pets and of neither, in units of one picture."""
_FOLDS = 5
_TEST_SHARE = 0.2
"""Drawings to measure with, as a share of those that the detector is fitted to."""
_UPSIDE_DOWN = "upside down"
"""A corruption that is left out: few people send pictures so."""


class DetectorPlan(NamedTuple):
    """Pictures that the detector is fitted to; the field names are those of the manifest's ``detector``."""

    drawings: int = 2000
    borders: int = 3
    """Patches from the border of each training photo; those in which the teacher sees a pet are left out."""
    seed: int = 0


class Detector(NamedTuple):
    """A linear score of the embedding; the graph gives its logistic function."""

    weights: NDArray[np.float32]
    """Shape (n_features, 1)."""
    shift: float
    plan: DetectorPlan
    rows: dict[str, int]
    """Number of pictures it was fitted to, by kind."""


def embeddings(graph: bytes, pictures: Pixels) -> Numbers:
    """Compute the small network's features: the mean over the picture and its mirror image.

    Args:
        graph: ONNX file of `training.pets.graph.graph_bytes`.
        pictures: Shape (n, size, size, 3), float32.

    Returns:
        Shape (n, n_features).
    """
    model = onnx.load_from_string(graph)
    del model.graph.output[:]
    nodes = [
        helper.make_node("Reshape", [_embedding(model.graph), "embedding_shape"], ["both_embeddings"]),
        helper.make_node("ReduceMean", ["both_embeddings"], ["embedding"], axes=[0], keepdims=0),
    ]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, -1, _width(model.graph)]), "embedding_shape"))
    model.graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", _width(model.graph)]))
    return predict(model_bytes(model.graph), pictures)["embedding"].astype(np.float64)


def with_mass(graph: bytes, detector: Detector) -> bytes:
    """Add the detector to a graph, as the output `MASS`.

    Args:
        graph: ONNX file of `training.pets.graph.graph_bytes`.
        detector: The detector.
    """
    model = onnx.load_from_string(graph)
    nodes = [
        helper.make_node("Gemm", [_embedding(model.graph), "mass_weights", "mass_shift"], ["mass_scores"]),
        helper.make_node("Reshape", ["mass_scores", "mass_shape"], ["both_mass_scores"]),
        helper.make_node("ReduceMean", ["both_mass_scores"], ["mass_score"], axes=[0], keepdims=0),
        helper.make_node("Sigmoid", ["mass_score"], [MASS.name]),
    ]
    model.graph.node.extend(nodes)
    constants = {
        "mass_weights": detector.weights,
        "mass_shift": np.array([detector.shift], np.float32),
        "mass_shape": np.array([2, -1, 1]),
    }
    model.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in constants.items())
    model.graph.output.append(helper.make_tensor_value_info(MASS.name, TensorProto.FLOAT, ["n", 1]))
    return model_bytes(model.graph)


def without_mass(graph: bytes) -> bytes:
    """Remove the detector from a graph; a graph without one stays as it is."""
    model = onnx.load_from_string(graph)
    nodes = [node for node in model.graph.node if "mass" not in node.output[0]]
    constants = [constant for constant in model.graph.initializer if not constant.name.startswith("mass")]
    outputs = [output for output in model.graph.output if output.name != MASS.name]
    graph_without = helper.make_graph(nodes, model.graph.name, list(model.graph.input), outputs, constants)
    return model_bytes(graph_without)


def fit_detector(
    graph: bytes,
    photos: Sequence[Photo],
    held_out: Sequence[Photo],
    teacher: Teacher,
    plan: DetectorPlan,
    log: Log = silent,
) -> Detector:
    """Fit the detector, and calibrate its threshold.

    Without a teacher nobody says which patches show no pet: the detector is fitted to drawings alone, and misses more.

    Args:
        graph: ONNX file of the network.
        photos: Training photos.
        held_out: Photos for the threshold.
        teacher: Says which crops show a pet.
        plan: Numbers of pictures.
        log: Receives a line on progress.
    """
    size = _size(graph)
    crops, borders = _crops(photos, size, teacher, plan)
    log("corrupted photos and drawings")
    shown = {
        "photos": model_inputs(photos, size),
        "photos made worse": np.concatenate([_worse(photo, index, size, plan) for index, photo in enumerate(photos)]),
        "crops": crops,
    }
    other = {"drawings": scaled(drawings(plan.drawings, size, plan.seed)), "borders": borders}
    rows: list[Numbers] = []
    labels: list[NDArray[np.int64]] = []
    weights: list[Numbers] = []
    for label, sets in enumerate((other, shown)):
        filled = [values for values in sets.values() if len(values)]
        for values in filled:
            rows.append(embeddings(graph, values))
            labels.append(np.full(len(values), label))
            weights.append(np.full(len(values), _WEIGHT / len(filled) / len(values)))
    features = np.concatenate(rows)
    scale = StandardScaler().fit(features)
    head = LogisticRegression(C=_STRENGTH, max_iter=1000)
    head.fit(scale.transform(features), np.concatenate(labels), sample_weight=np.concatenate(weights))
    direction = head.coef_[0] / scale.scale_
    scores = embeddings(graph, model_inputs(held_out, size)) @ direction
    return Detector(
        direction.astype(np.float32)[:, None],
        float(logit(NEITHER) - _threshold(scores)),
        plan,
        {name: len(values) for name, values in (shown | other).items()},
    )


def detection_figures(
    graph: bytes, detector: Detector, sets: dict[str, Sequence[Photo]], teacher: Teacher, others: Path | None = None
) -> dict[str, Any]:
    """Measure both kinds of error.

    Args:
        graph: ONNX file with the detector.
        detector: The detector.
        sets: Held-out photos by name. On the first two together the threshold is calibrated; their false alarms are
            counted with the threshold of the other four fifths of them.
        teacher: Says which patches of the first set's photos show no pet.
        others: Folder of pictures that show neither, to measure with; they are fitted to in no way.

    Returns:
        False alarms by set and by corruption, and pictures of neither that are told, by kind.
    """
    size = _size(graph)
    scores = {name: _scores(graph, model_inputs(photos, size)) for name, photos in sets.items()}
    test, tune, *_ = sets
    calibrated = np.concatenate([scores[test], scores[tune]])
    alarms = _cross_fitted_alarms(calibrated)
    at = {name: values < logit(NEITHER) for name, values in scores.items()}
    at |= {test: alarms[: len(scores[test])], tune: alarms[len(scores[test]) :]}
    trials = {name: _scores(graph, model_inputs(sets[test], size, name)) for name in CORRUPTIONS if name != UNCHANGED}
    count = max(1, round(_TEST_SHARE * detector.plan.drawings / len(KINDS)))
    drawn = drawings(count * len(KINDS), size, detector.plan.seed + 1)
    told = {f"drawings: {name}": drawn[kind :: len(KINDS)] for kind, name in enumerate(KINDS)}
    neither = {name: _scores(graph, scaled(pictures)) for name, pictures in told.items()}
    _, borders = _crops(sets[test], size, teacher, detector.plan)
    if len(borders):
        neither["patches of the background of held-out photos"] = _scores(graph, borders)
    if others is not None:
        neither["photos of other subjects"] = _scores(graph, _pictures(others, size))
    return {
        "threshold": NEITHER,
        "false_alarms": {name: _share(values) for name, values in at.items()},
        "false_alarms_made_worse": {name: float((values < logit(NEITHER)).mean()) for name, values in trials.items()},
        "told": {
            name: {**_share(values < logit(NEITHER)), "auroc": _auroc(calibrated, values)}
            for name, values in neither.items()
        },
    }


def _embedding(graph: onnx.GraphProto) -> str:
    (flat,) = (node for node in graph.node if node.op_type == "Flatten")
    return str(flat.output[0])


def _width(graph: onnx.GraphProto) -> int:
    """Number of features: the classifier's weights have the shape (2, n)."""
    casts = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    constants = {constant.name: constant for constant in graph.initializer}
    (head,) = (node for node in graph.node if node.op_type == "Gemm" and node.input[1] in casts)
    return int(constants[casts[head.input[1]]].dims[1])


def _size(graph: bytes) -> int:
    (image,) = onnx.load_from_string(graph).graph.input
    return int(image.type.tensor_type.shape.dim[1].dim_value)


def _scores(graph: bytes, pictures: Pixels) -> Numbers:
    mass = predict(graph, pictures)[MASS.name][:, 0].astype(np.float64)
    return np.asarray(logit(np.clip(mass, 1e-12, 1 - 1e-12)))


def _threshold(scores: Numbers) -> float:
    return float(np.quantile(scores, FALSE_ALARMS))


def _cross_fitted_alarms(scores: Numbers) -> NDArray[np.bool_]:
    order = np.random.default_rng(0).permutation(len(scores))
    alarms = np.zeros(len(scores), bool)
    for fold in range(_FOLDS):
        held_out = order[fold::_FOLDS]
        alarms[held_out] = scores[held_out] < _threshold(scores[np.setdiff1d(order, held_out)])
    return alarms


def _share(flagged: NDArray[np.bool_]) -> dict[str, Any]:
    share = float(flagged.mean())
    return {
        "pictures": len(flagged),
        "flagged": int(flagged.sum()),
        "share": share,
        "share_se": float(np.sqrt(share * (1 - share) / len(flagged))),
    }


def _auroc(pets: Numbers, others: Numbers) -> float:
    return float(roc_auc_score(np.repeat([1, 0], [len(pets), len(others)]), np.concatenate([pets, others])))


def _crops(photos: Sequence[Photo], size: int, teacher: Teacher, plan: DetectorPlan) -> tuple[Pixels, Pixels]:
    """Crops in which the teacher sees a pet, and patches in which it sees none; both empty without a teacher."""
    crops, borders = [], []
    for index, photo in enumerate(photos if teacher.sha256 else ()):
        rng = np.random.default_rng([plan.seed, index])
        with Image.open(photo.path) as image:
            image.load()
        views = [random_crop(padded(image), rng), *(border_crop(image, rng) for _ in range(plan.borders))]
        mass = _mass(teacher(np.stack(views))[1])
        crops += [resize(views[0], size)] if mass[0] > _SHOWS_A_PET else []
        borders += [resize(view, size) for view, seen in zip(views[1:], mass[1:], strict=True) if seen < _SHOWS_NONE]
    empty = np.zeros((0, size, size, 3), np.float32)
    return scaled(np.stack(crops)) if crops else empty, scaled(np.stack(borders)) if borders else empty


def _mass(logits: NDArray[np.float32]) -> Numbers:
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(raised[:, list(PETS)].sum(axis=1) / raised.sum(axis=1))


def _worse(photo: Photo, index: int, size: int, plan: DetectorPlan) -> Pixels:
    """A training photo with a corruption that is drawn at random."""
    names = [name for name in CORRUPTIONS if name not in (UNCHANGED, _UPSIDE_DOWN)]
    name = names[int(np.random.default_rng([plan.seed, index, 1]).integers(len(names)))]
    with Image.open(photo.path) as image:
        return pixels(CORRUPTIONS[name](upright(image)), size)


def _pictures(folder: Path, size: int) -> Pixels:
    pictures = []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            pictures.append(pixels(image, size))
    return np.concatenate(pictures)
