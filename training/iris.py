"""The model ``iris``: the species of an iris flower from four lengths, by a linear support vector machine."""

import argparse
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
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

from app.bundle.manifest import Golden, Manifest, Output, TrainingData
from training.card import card, table
from training.description import Description, declared_input
from training.onnx_graph import OPSET, model_bytes, run_graph
from training.release import add_release_options, release
from training.trainer import Run, Trainer

INPUTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
SPECIES = ("setosa", "versicolor", "virginica")
PACKED, ML_OPSET = "features", 1
FOLDS, REPEATS = 5, 10
MAX_CM = 30.0
RANDOM_ROWS = 10_000
GOLDEN_ROWS = slice(None, None, 15)
PROTOCOL = (
    f"Stratified {FOLDS}-fold cross-validation on 150 flowers, {REPEATS} repeats, seed 0, the parameters "
    "scikit-learn's own. The figures are means over folds, the standard deviation is that of the repeats."
)
USE = (
    "The standard example of a classifier, for clients that know it from elsewhere. `class_id` is 0 setosa, 1 "
    "versicolor, 2\nvirginica; `scores` are decision values, not probabilities: the largest is the class, however far "
    "all of them are off."
)

Rows = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


def model() -> Pipeline:
    """Return the untrained model.

    Inputs are not standardised: they are all lengths in cm, and standardising lowered the accuracy from 0.955 to 0.939.
    """
    return make_pipeline(LinearSVC(random_state=0))


class Flowers(NamedTuple):
    """Fisher's (1936) flowers, as in scikit-learn."""

    lengths: Rows
    """Lengths in cm, shape (150, 4)."""
    species: Classes
    """Indexes into `SPECIES`, shape (150,)."""


IrisRun = Run[Flowers, Pipeline, dict[str, Any]]


class IrisTrainer(Trainer[Flowers, Pipeline, dict[str, Any]]):
    """Trains the iris model."""

    name = "iris"
    libraries = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx")
    tolerance = 0
    unit = "rows with another class"

    def load(self) -> Flowers:
        """Load the flowers."""
        lengths, species = load_iris(return_X_y=True)
        return Flowers(lengths.astype(np.float32), species.astype(np.int64))

    def fit(self, data: Flowers) -> Pipeline:
        """Fit the model to all flowers."""
        return model().fit(data.lengths, data.species)

    def export(self, model: Pipeline) -> bytes:
        """Export the model; see `graph_bytes`."""
        return graph_bytes(model)

    def difference(self, data: Flowers, model: Pipeline, graph: bytes) -> float:
        """Count the rows that graph and scikit-learn give another class, among the flowers and 10,000 random rows."""
        random = np.random.default_rng(0).uniform(0, MAX_CM, (RANDOM_ROWS, len(INPUTS))).astype(np.float32)
        rows = np.concatenate([data.lengths, random])
        return float((run_graph(graph, {PACKED: rows})["class_id"][:, 0] != model.predict(rows)).sum())

    def evaluate(self, data: Flowers, model: Pipeline, graph: bytes) -> dict[str, Any]:
        """Measure model and baselines on the same folds."""
        return evaluate(data)

    def describe(self, run: IrisRun) -> Description:
        """Return the part of the manifest that is specific to the model."""
        rows = run.data.lengths
        source = files("sklearn.datasets.data").joinpath("iris.csv").read_bytes()
        return Description(
            description="Species of an iris flower from four lengths.",
            inputs=tuple(
                declared_input(name, "cm", name.replace("_", " ").capitalize(), values)
                for name, values in zip(INPUTS, rows.T, strict=True)
            ),
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
            protocol=PROTOCOL,
            figures=run.figures,
            training_data=TrainingData(
                source="iris.csv of scikit-learn",
                sha256=hashlib.sha256(source).hexdigest(),
                rows_read=len(rows),
                rows_used=len(rows),
                cleaning=(),
            ),
            parameters={"model": "LinearSVC", "C": 1.0, "seed": 0},
            golden=golden(rows[GOLDEN_ROWS], run.graph),
        )

    def card(self, run: IrisRun, about: Manifest) -> str:
        """Return the model card in Markdown."""
        return iris_card(about)


def graph_bytes(fitted: Pipeline) -> bytes:
    """Export the model as an ONNX file; the same model gives the same bytes.

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
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
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
    return model_bytes(whole, ML_OPSET)


def evaluate(data: Flowers) -> dict[str, Any]:
    """Measure the accuracy of model and baselines on the same folds, and the model's recall by species."""
    rows, species = data
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    baselines: dict[str, ClassifierMixin] = {
        "most frequent species": DummyClassifier(),
        "nearest centre": NearestCentroid(),
        "tree of two questions": DecisionTreeClassifier(max_depth=2, random_state=0),
    }

    def figures(estimator: ClassifierMixin | Pipeline) -> dict[str, float]:
        repeats = cross_val_score(estimator, rows, species, cv=folds).reshape(REPEATS, FOLDS).mean(axis=1)
        return {"accuracy": round(float(repeats.mean()), 4), "accuracy_sd": round(float(repeats.std(ddof=1)), 4)}

    once = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=1, random_state=0)
    recall = recall_score(species, cross_val_predict(model(), rows, species, cv=once), average=None)
    return {
        **figures(model()),
        "baselines": {name: figures(baseline) for name, baseline in baselines.items()},
        "recall_first_repeat": dict(zip(SPECIES, [round(float(r), 4) for r in recall], strict=True)),
    }


def golden(rows: Rows, graph: bytes) -> Golden:
    """Answer rows with the exported graph.

    Args:
        rows: Lengths in cm, shape (n_rows, 4).
        graph: The ONNX file.
    """
    outputs = run_graph(graph, {PACKED: rows})
    return Golden(
        inputs=dict(zip(INPUTS, rows.astype(float).round(2).T.tolist(), strict=True)),
        outputs={
            "class_id": outputs["class_id"][:, 0].tolist(),
            "scores": outputs["scores"].astype(float).round(6).tolist(),
        },
        tolerance=1e-4,
    )


def iris_card(about: Manifest) -> str:
    """Build the model card.

    Args:
        about: The bundle's manifest; every figure comes from it.
    """
    values: dict[str, Any] = dict(about.metrics.values)
    accuracy = [
        [name, f"{figures['accuracy']:.3f} ± {figures['accuracy_sd']:.3f}"]
        for name, figures in [*values["baselines"].items(), ("**this model**", values)]
    ]
    recall = ", ".join(f"{name} {value:.2f}" for name, value in values["recall_first_repeat"].items())
    used = about.training_data
    return card(
        about,
        {
            "Intended use": USE,
            "Data": f"`{used.source}`, SHA-256 `{used.sha256}`:\n{used.rows_read} flowers, 50 of each species "
            "(Fisher 1936). Two virginica flowers are alike in all four.",
            "How it was measured": about.metrics.protocol,
            "Figures": f"{table(['', 'accuracy'], accuracy)}\n\nRecall in the first repeat: {recall}.",
            "Known faults": "Every flower is given one of the three species, one that is none of them too. Versicolor "
            "and virginica overlap.",
        },
        summary="A linear support vector machine, one plane a species.",
    )


def train_iris(arguments: Sequence[str]) -> int:
    """Train the iris model and write its next version."""
    parser = argparse.ArgumentParser(prog="python -m training iris", description=train_iris.__doc__)
    add_release_options(parser)
    options = parser.parse_args(arguments)
    trainer = IrisTrainer()
    folder, done = release(trainer, trainer.run(), options)
    print(folder)
    return 0 if done else 1


COMMAND = train_iris
"""What ``python -m training iris`` runs."""
