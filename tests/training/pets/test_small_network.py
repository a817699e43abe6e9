"""The small network from end to end on synthetic photos; an interrupted run resumes."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from app.bundle.store import read_bundle
from app.runtime.onnx import OnnxPredictor
from training.__main__ import main

TORCH = find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not TORCH, reason="PyTorch is not installed here; `tox -e pets` installs it")


def trained(photos: Path, out: Path, epochs: int, *more: str) -> int:
    """Run the command."""
    return main(
        [
            "pets",
            "--photos",
            str(photos),
            "--out",
            str(out / "models"),
            "--state",
            str(out / "state"),
            "--epochs",
            str(epochs),
            "--drawings",
            "20",
            *more,
        ]
    )


@pytest.mark.skipif(TORCH, reason="PyTorch is installed here")
def test_without_pytorch_the_command_says_what_is_missing(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trained(photos, tmp_path, 1) == 1
    assert "torch is not installed; see requirements/train-pets.txt" in capsys.readouterr().err


@needs_torch
def test_an_interrupted_run_resumes_to_the_same_network(photos: Path, pretrained: Path, tmp_path: Path) -> None:
    teacher = "--teacher", str(pretrained)
    assert trained(photos, tmp_path / "whole", 2, *teacher) == 0
    state = tmp_path / "halved" / "state"
    from training.pets import training_loop

    original = training_loop.TrainingLoop.run
    training_loop.TrainingLoop.run = (  # type: ignore[method-assign]
        lambda self, report: _interrupt(original, self, report)
    )
    try:
        with pytest.raises(KeyboardInterrupt):
            trained(photos, tmp_path / "halved", 2, *teacher)
    finally:
        training_loop.TrainingLoop.run = original  # type: ignore[method-assign]
    assert list(state.rglob("network-*.pt")) and not (tmp_path / "halved" / "models").exists()
    assert trained(photos, tmp_path / "halved", 2, *teacher) == 0
    one, other = (read_bundle(tmp_path / name / "models" / "cat-dog" / "1") for name in ("whole", "halved"))
    pictures = np.random.default_rng(0).uniform(-1, 1, (4, 128, 128, 3)).astype(np.float32)
    answers = [OnnxPredictor(bundle).predict({"image": pictures})["probabilities"] for bundle in (one, other)]
    assert np.abs(answers[0] - answers[1]).max() < 1e-3
    assert len(one.files["model.onnx"]) < 4_000_000


def _interrupt(run: object, loop: object, report: object) -> None:
    def interrupted(epoch: int, loss: float) -> None:
        raise KeyboardInterrupt

    run(loop, interrupted, every=1)  # type: ignore[operator]


@needs_torch
def test_the_network_can_be_trained_from_labels_alone(photos: Path, tmp_path: Path) -> None:
    assert trained(photos, tmp_path, 1) == 0
    manifest = read_bundle(tmp_path / "models" / "cat-dog" / "1").manifest
    assert manifest.parameters["teacher"] is None and manifest.parameters["course"]["epochs"] == 1


@needs_torch
def test_too_few_photos_are_rejected(tmp_path: Path, capsys: pytest.CaptureFixture[str], photos: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "Bengal_1.jpg").write_bytes(next((photos / label).iterdir()).read_bytes())
    assert trained(tmp_path, tmp_path, 1) == 1
    assert "too few photos to" in capsys.readouterr().err
