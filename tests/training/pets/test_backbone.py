"""Training with a backbone from end to end, with a small network in place of the real one."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from app.bundle.store import read_bundle
from app.domains.pets.api import PetsApi
from app.domains.pets.schema import Picture
from app.runtime.onnx import OnnxPredictor
from tests.model_manager import model_manager
from training.__main__ import main
from training.pets.photos import read_photos

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def models(photos: Path, pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of bundles with the one that the command wrote."""
    out = tmp_path_factory.mktemp("models")
    assert main(["pets", "--photos", str(photos), "--backbone", str(pretrained), "--out", str(out)]) == 0
    return out


def test_the_bundle_answers_photos_with_class_and_mass(models: Path, photos: Path) -> None:
    manager = model_manager(PetsApi)
    manager.add(OnnxPredictor(read_bundle(models / "cat-dog" / "1")))
    domain = PetsApi(manager)
    answers = [
        (photo, domain.predict(Picture.uploaded(photo.path.read_bytes(), "body"))) for photo in read_photos(photos)
    ]
    assert np.mean([("cat", "dog")[photo.label] == answer["pet"] for photo, answer in answers]) > 0.9
    (_, mass) = manager.get("cat-dog").manifest.outputs
    assert mass.name == "mass" and mass.shape == (-1, 1)


def test_the_backbone_is_quantized(models: Path) -> None:
    graph = onnx.load(str(models / "cat-dog" / "1" / "model.onnx")).graph
    kinds = {constant.name: constant.data_type for constant in graph.initializer}
    assert kinds["kernel_quantized"] == onnx.TensorProto.INT8 and "kernel" not in kinds


def test_the_model_card_states_the_measured_accuracy(models: Path) -> None:
    card = (models / "cat-dog" / "1" / "MODEL_CARD.md").read_text("utf-8")
    for phrase in ("held-out photos", "held-out breeds", "was not stated (`--source`)", "upside down", "| Bengal |"):
        assert phrase in card
    assert "Oxford" not in card and "CC BY-SA" not in card  # which holds for the committed model's photos
    manifest = read_bundle(models / "cat-dog" / "1").manifest
    assert set(manifest.metrics.values) >= {"sets", "trials", "mass", "as_float", "reliability"}
    sets: Any = manifest.metrics.values["sets"]
    assert all(figures["accuracy"] > 0.9 for figures in sets.values())


def test_a_second_run_writes_the_next_version(models: Path, photos: Path, pretrained: Path) -> None:
    assert main(["pets", "--photos", str(photos), "--backbone", str(pretrained), "--out", str(models)]) == 0
    one, two = (read_bundle(models / "cat-dog" / number) for number in "12")
    assert one.files["model.onnx"] == two.files["model.onnx"]


@pytest.mark.parametrize("contents", [None, b"no network"])
def test_a_file_that_is_not_a_network_is_reported(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], contents: bytes | None
) -> None:
    path = tmp_path / "backbone.onnx"
    if contents is not None:
        path.write_bytes(contents)
    assert main(["pets", "--photos", str(photos), "--backbone", str(path), "--out", str(tmp_path)]) == 1
    assert "backbone.onnx" in capsys.readouterr().err
