"""Trains ``iris``: the species of an iris flower from four lengths, by a linear support vector machine."""

import argparse
import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.metrics import recall_score
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from app.bundle.manifest import CARD, MODEL, Golden, Input, Manifest, Metrics, Output, TrainingData
from app.bundle.store import write_bundle
from training.card import table
from training.errors import ExportError
from training.run import next_version

INPUTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = ("setosa", "versicolor", "virginica")
PACKED, OUTPUTS = "features", ("class_id", "scores")
FOLDS, REPEATS = 5, 10
GREATEST_CM = 30.0
RANDOM_ROWS = 10_000
GOLDEN_ROWS = slice(None, None, 15)
LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")
PROTOCOL = (
    f"Stratified {FOLDS}-fold cross-validation on 150 flowers, {REPEATS} repeats, seed 0, the parameters "
    "scikit-learn's own. The figures are means over folds, the standard deviation is that of the repeats."
)

Rows = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


def model() -> Pipeline:
    """The untrained model.

    One step: the four are lengths in cm, and to standardise them took the accuracy from 0.955 to 0.939.
    """
    return make_pipeline(LinearSVC(random_state=0))


def data() -> tuple[Rows, Classes]:
    """Fisher's (1936) flowers as scikit-learn has them: lengths, shape (150, 4), cm; species, shape (150,)."""
    lengths, species = load_iris(return_X_y=True)
    return lengths.astype(np.float32), species.astype(np.int64)


def graph_bytes(fitted: Pipeline) -> bytes:
    """The model as an ONNX file: the same bytes for the same model.

    Args:
        fitted: A trained pipeline.

    Returns:
        A graph from ``features``, shape (n, 4), FP32, to ``class_id``, shape (n, 1), INT64, and ``scores``, shape
        (n, 3), FP32: signed distances from each species' plane, scaled by its normal; the largest is the class.
    """
    exported = to_onnx(
        fitted,
        initial_types=[(PACKED, FloatTensorType([None, len(INPUTS)]))],
        name="iris",
        options={id(fitted[-1]): {"raw_scores": True}},
        target_opset={"": 17, "ai.onnx.ml": 1},
    ).graph
    label, scores = (output.name for output in exported.output)
    nodes = [
        *exported.node,
        helper.make_node("Unsqueeze", [label, "last_axis"], ["class_id"]),
        helper.make_node("Identity", [scores], ["scores"]),
    ]
    whole = helper.make_graph(
        nodes,
        "iris",
        list(exported.input),
        [
            helper.make_tensor_value_info("class_id", TensorProto.INT64, ["n", 1]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(SPECIES)]),
        ],
        [*exported.initializer, helper.make_tensor("last_axis", TensorProto.INT64, [1], [1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    document = helper.make_model(whole, opset_imports=opsets, ir_version=8, producer_name="beer-model")
    return bytes(document.SerializeToString(deterministic=True))


def run_graph(graph: bytes, rows: Rows) -> tuple[Classes, Rows]:
    """What ONNX Runtime gives: class ids, shape (n, 1), and scores, shape (n, 3)."""
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    ids, scores = session.run(list(OUTPUTS), {PACKED: rows})
    return ids, scores


def check_parity(fitted: Pipeline, graph: bytes, rows: Rows) -> None:
    """Hold graph and scikit-learn together on these rows and on 10,000 random ones.

    Raises:
        ExportError: A class differs.
    """
    drawn = np.random.default_rng(0).uniform(0, GREATEST_CM, (RANDOM_ROWS, len(INPUTS))).astype(np.float32)
    tried = np.concatenate([rows, drawn])
    apart = int((run_graph(graph, tried)[0][:, 0] != fitted.predict(tried)).sum())
    if apart:
        raise ExportError(f"the exported graph gives another class than scikit-learn for {apart} rows")


def evaluate(rows: Rows, species: Classes) -> dict[str, Any]:
    """Accuracy of the model and of baselines on the same folds, and the model's recall by species."""
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    baselines: dict[str, ClassifierMixin] = {
        "most frequent species": DummyClassifier(),
        "nearest centre": NearestCentroid(),
        "tree of two questions": DecisionTreeClassifier(max_depth=2, random_state=0),
    }

    def figures(judged: ClassifierMixin | Pipeline) -> dict[str, float]:
        repeats = cross_val_score(judged, rows, species, cv=folds).reshape(REPEATS, FOLDS).mean(axis=1)
        return {"accuracy": round(float(repeats.mean()), 4), "accuracy_sd": round(float(repeats.std(ddof=1)), 4)}

    once = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=1, random_state=0)
    recall = recall_score(species, cross_val_predict(model(), rows, species, cv=once), average=None)
    return {
        **figures(model()),
        "baselines": {name: figures(baseline) for name, baseline in baselines.items()},
        "recall_first_repeat": dict(zip(SPECIES, [round(float(r), 4) for r in recall], strict=True)),
    }


def declared_inputs(rows: Rows) -> tuple[Input, ...]:
    """The four inputs with the range and the deciles of these rows, cm."""
    cuts = np.quantile(rows.astype(np.float64), np.linspace(0, 1, 11), axis=0).round(2).T.tolist()
    return tuple(
        Input(
            name=name,
            datatype="FP32",
            unit="cm",
            description=name.replace("_", " ").capitalize(),
            trained_range=(cut[0], cut[-1]),
            deciles=tuple(cut[1:-1]),
        )
        for name, cut in zip(INPUTS, cuts, strict=True)
    )


def manifest(number: str, rows: Rows, graph: bytes, values: dict[str, Any]) -> Manifest:
    """What the bundle says of itself; golden rows are every fifteenth flower."""
    golden = rows[GOLDEN_ROWS]
    ids, scores = run_graph(graph, golden)
    source = files("sklearn.datasets.data").joinpath("iris.csv").read_bytes()
    return Manifest(
        format_version=1,
        name="iris",
        version=number,
        description="Species of an iris flower from four lengths.",
        inputs=declared_inputs(rows),
        packed=PACKED,
        outputs=(
            Output(name="class_id", datatype="INT64", unit="", description=f"Number of {', '.join(SPECIES)}"),
            Output(
                name="scores",
                datatype="FP32",
                shape=(-1, len(SPECIES)),
                unit="",
                description="Decision values by species; the largest is the class; no probabilities",
            ),
        ),
        metrics=Metrics(protocol=PROTOCOL, values=values),
        training_data=TrainingData(
            source="iris.csv of scikit-learn",
            sha256=hashlib.sha256(source).hexdigest(),
            rows_read=len(rows),
            rows_used=len(rows),
            cleaning=(),
        ),
        libraries={"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        parameters={"model": "LinearSVC", "C": 1.0, "seed": 0},
        golden=Golden(
            inputs=dict(zip(INPUTS, golden.astype(float).round(2).T.tolist(), strict=True)),
            outputs={"class_id": ids[:, 0].tolist(), "scores": scores.astype(float).round(6).tolist()},
            tolerance=1e-4,
        ),
    )


def card(about: Manifest) -> str:
    """The model card as Markdown."""
    values: dict[str, Any] = dict(about.metrics.values)
    lines = [
        [name, f"{each['accuracy']:.3f} ± {each['accuracy_sd']:.3f}"]
        for name, each in [*values["baselines"].items(), ("**this model**", values)]
    ]
    recall = ", ".join(f"{name} {value:.2f}" for name, value in values["recall_first_repeat"].items())
    return f"""# {about.name} {about.version}

{about.description} A linear support vector machine, one plane a species.

## Intended use

The standard example of a classifier, for clients that know it from elsewhere. `class_id` is 0 setosa, 1 versicolor, 2
virginica; `scores` are decision values, not probabilities: the largest is the class, however far all of them are off.

## Data

`{about.training_data.source}`, SHA-256 `{about.training_data.sha256}`:
{about.training_data.rows_read} flowers, 50 of each species (Fisher 1936). Two virginica flowers are alike in all four.

## How it was measured

{about.metrics.protocol}

## Figures

{table(["", "accuracy"], lines)}

Recall in the first repeat: {recall}.

## Known faults

Every flower is given one of the three species, one that is none of them too. Versicolor and virginica overlap.
"""


def write(root: Path, number: str | None = None) -> Path:
    """Train, check and write a bundle.

    Args:
        root: Folder of bundles.
        number: The version; by default the next free one.

    Returns:
        The bundle's folder.

    Raises:
        ExportError: The graph is not what scikit-learn is.
        BundleError: The version exists.
    """
    rows, species = data()
    fitted = model().fit(rows, species)
    graph = graph_bytes(fitted)
    check_parity(fitted, graph, rows)
    about = manifest(number or next_version(root, "iris"), rows, graph, evaluate(rows, species))
    return write_bundle(root, about, {MODEL: graph, CARD: card(about).encode()})


def train_iris(words: Sequence[str]) -> int:
    """Train the iris model and write its next version."""
    parser = argparse.ArgumentParser(prog="python -m training iris", description=train_iris.__doc__)
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of bundles (default: %(default)s)")
    print(write(parser.parse_args(words).out))
    return 0


COMMAND = train_iris
"""What ``python -m training iris`` runs."""
