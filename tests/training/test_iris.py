"""The iris model: classes equal to scikit-learn's, the required accuracy, a reproducible bundle."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.bundle.store import read_bundle
from app.runtime.onnx import OnnxPredictor
from tests.committed import committed, committed_models
from tests.known import REPOSITORY
from training import iris
from training.errors import ExportError


@pytest.fixture(scope="module")
def trained():
    return iris.IrisTrainer().run()


@pytest.fixture(scope="module")
def bundle():
    return read_bundle(committed("iris"))


def test_the_committed_bundle_agrees_with_scikit_learn_on_all_rows_and_10_000_random_ones(trained, bundle):
    rows = trained.data.lengths
    random_rows = np.random.default_rng(7).uniform(0, 30, (10_000, 4)).astype(np.float32)
    inputs = np.concatenate([rows, random_rows])
    outputs = OnnxPredictor(bundle).predict({"features": inputs})
    assert outputs["class_id"].shape == (len(inputs), 1) and outputs["scores"].shape == (len(inputs), 3)
    assert (outputs["class_id"][:, 0] == trained.model.predict(inputs)).all()
    assert (outputs["class_id"][:, 0] == outputs["scores"].argmax(axis=1)).all()
    assert np.abs(outputs["scores"] - trained.model.decision_function(inputs)).max() < 1e-4


def test_training_reproduces_the_committed_bundle(trained, bundle, tmp_path):
    again = read_bundle(iris.IrisTrainer().write(trained, tmp_path))
    assert again.files["model.onnx"] == bundle.files["model.onnx"]
    assert again.files["MODEL_CARD.md"] == bundle.files["MODEL_CARD.md"]
    same = {"libraries": {}}
    assert again.manifest.model_copy(update=same) == bundle.manifest.model_copy(update=same)


def test_the_model_is_right_for_95_percent_of_unseen_flowers_and_beats_the_baselines(bundle):
    values = bundle.manifest.metrics.values
    assert values["accuracy"] >= 0.95 > max(baseline["accuracy"] for baseline in values["baselines"].values())
    assert f"{values['accuracy']:.3f} ±" in bundle.files["MODEL_CARD.md"].decode()


def test_a_graph_that_differs_from_the_scikit_learn_model_is_rejected(trained):
    lengths, species = trained.data
    other = iris.model().fit(lengths, species[::-1])
    with pytest.raises(ExportError, match="rows with another class; 0 is allowed"):
        iris.IrisTrainer().check_parity(trained.data, other, trained.graph)


def test_the_command_writes_the_next_version(tmp_path):
    shutil.copytree(committed_models() / "iris", tmp_path / "iris")
    command = [sys.executable, "-m", "training", "iris", "--out", str(tmp_path)]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert Path(printed.strip()) == tmp_path / "iris" / "2"
    assert read_bundle(tmp_path / "iris" / "2").manifest.version == "2"


@pytest.mark.parametrize("arguments", [["tulips"], ["beer"], ["spec"]])
def test_an_unknown_model_is_an_invalid_argument(arguments):
    completed = subprocess.run(
        [sys.executable, "-m", "training", *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert completed.returncode == 2 and "Traceback" not in completed.stderr
