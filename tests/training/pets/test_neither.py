"""The detector of pictures of neither: what it adds to a graph, its threshold, and what the committed model claims."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.bundle.manifest import MODEL
from app.bundle.store import highest, read_bundle
from app.domains.pets.api import NEITHER, PetsApi
from app.domains.pets.pixels import scaled
from app.domains.pets.schema import Picture
from app.runtime.onnx import OnnxPredictor
from tests.model_manager import model_manager
from tests.pictures import encoded
from training.__main__ import main
from training.pets.drawings import KINDS, drawings
from training.pets.inference import OUTPUT, predict
from training.pets.metrics import model_inputs
from training.pets.neither import DetectorPlan, embeddings, fit_detector, with_mass, without_mass
from training.pets.photos import read_photos
from training.pets.teacher import NoTeacher


@pytest.fixture(scope="module")
def network(models: Path) -> bytes:
    """The committed network, without its detector."""
    return without_mass(read_bundle(highest(models, "cat-dog")).files[MODEL])


def test_the_detector_leaves_the_probabilities_as_they_are_and_can_be_removed(network: bytes, photos: Path) -> None:
    some = read_photos(photos)[::4]
    detector = fit_detector(network, some[:12], some[12:], NoTeacher(), DetectorPlan(drawings=20))
    graph = with_mass(network, detector)
    assert without_mass(graph) == network
    pictures = model_inputs(some, 128)
    before, after = predict(network, pictures), predict(graph, pictures)
    assert list(before) == [OUTPUT] and np.array_equal(before[OUTPUT], after[OUTPUT])
    scores = embeddings(network, pictures) @ detector.weights[:, 0] + detector.shift
    assert after["mass"][:, 0] == pytest.approx(1 / (1 + np.exp(-scores)), abs=1e-4)
    held_out = after["mass"][12:, 0]
    assert (held_out >= NEITHER).sum() == len(held_out) - 1  # the threshold is at 1 % of them
    assert np.median(predict(graph, scaled(drawings(20, 128, seed=3)))["mass"]) < NEITHER


def test_each_kind_of_drawing_varies_and_the_same_seed_draws_the_same(network: bytes) -> None:
    first, again, other = drawings(20, 64, seed=1), drawings(20, 64, seed=1), drawings(20, 64, seed=2)
    assert np.array_equal(first, again) and first.shape == (20, 64, 64, 3)
    for kind in range(len(KINDS)):
        pictures = [first[kind], first[kind + 10], other[kind]]
        assert all(np.abs(a.astype(int) - b).mean() > 1 for a, b in zip(pictures, pictures[1:], strict=False))


def test_the_committed_model_warns_of_drawings(models: Path) -> None:
    manager = model_manager(PetsApi)
    manager.add(OnnxPredictor(read_bundle(highest(models, "cat-dog"))))
    api = PetsApi(manager)
    answers = [
        api.predict(Picture.uploaded(encoded(Image.fromarray(picture)), "body"))
        for picture in drawings(60, 160, seed=7)
    ]
    told = ["neither" in [warning["code"] for warning in answer["warnings"]] for answer in answers]
    assert np.mean(told) > 0.85


def test_the_card_states_both_kinds_of_error_and_at_most_3_percent_of_false_alarms(models: Path) -> None:
    bundle = read_bundle(highest(models, "cat-dog"))
    values: Any = bundle.manifest.metrics.values
    figures = values["neither"]
    card = bundle.files["MODEL_CARD.md"].decode()
    assert figures["threshold"] == NEITHER and set(figures["false_alarms"]) == set(
        bundle.manifest.metrics.values["sets"]
    )
    for name, found in figures["false_alarms"].items():
        assert found["share"] <= 0.03
        assert f"| {name} | {found['pictures']} | {found['flagged']} | {found['share']:.1%} ±" in card
    for name, found in figures["told"].items():
        assert (
            f"| {name} | {found['pictures']} | {found['flagged']} | {found['share']:.0%} | {found['auroc']:.3f} |"
            in card
        )
    assert {"drawings: streets", "drawings: faces", "photos of other subjects"} <= set(figures["told"])


def test_the_detector_of_an_existing_network_is_fitted_without_pytorch(
    models: Path, photos: Path, pretrained: Path, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for number, picture in enumerate(drawings(3, 64, seed=9)):
        (others / f"{number}.png").write_bytes(encoded(Image.fromarray(picture)))
    few = tmp_path / "photos"
    for photo in read_photos(photos)[::2]:
        (few / photo.path.parent.name).mkdir(parents=True, exist_ok=True)
        (few / photo.path.parent.name / photo.path.name).write_bytes(photo.path.read_bytes())
    old = highest(models, "cat-dog")
    options = ["--photos", str(few), "--teacher", str(pretrained), "--network", str(old), "--others", str(others)]
    assert main(["pets", *options, "--drawings", "20", "--out", str(tmp_path / "models")]) == 0
    one, two = read_bundle(old), read_bundle(tmp_path / "models" / "cat-dog" / "1")
    assert without_mass(one.files[MODEL]) == without_mass(two.files[MODEL]) and one.files[MODEL] != two.files[MODEL]
    assert two.manifest.parameters["teacher"] == one.manifest.parameters["teacher"]
    values: Any = two.manifest.metrics.values
    assert values["neither"]["told"]["photos of other subjects"]["pictures"] == 3


def test_a_bundle_of_another_model_is_rejected(models: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pets", "--photos", str(photos), "--network", str(highest(models, "iris"))]) == 1
    assert "is not the bundle of a small network" in capsys.readouterr().err
