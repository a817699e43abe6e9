"""A new version: it answers only once it is activated, and not if a baseline is better, unless it is the first."""

import argparse
from pathlib import Path

import pytest

from app.bundle.pointer import active_version
from app.models.manager import ModelManager
from app.models.reloader import ModelReloader
from app.models.store import ModelStore
from app.runtime.onnx import OnnxPredictor
from training.beer.vitals import VITALS
from training.release import add_release_options, release
from training.spec_card import baseline_sentence, better_baselines

NAME = VITALS.name
PAIRED = {
    "median": {"mae_difference": -4.0, "low": -6.0, "high": -2.0},
    "linear": {"mae_difference": -1.3, "low": -2.8, "high": 0.2},
    "curve": {"mae_difference": 2.5, "low": 0.6, "high": 4.1},
}


def options(root: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_release_options(parser)
    return parser.parse_args(["--out", str(root), *more])


@pytest.fixture
def beaten(trainer, monkeypatch):
    """The trainer, whose model is worse than a baseline."""
    monkeypatch.setattr(trainer, "faults", lambda run: ["is worse than the baseline curve (MAE +2.50 IBU)"])
    return trainer


def test_a_service_goes_on_with_its_version_until_the_new_one_is_activated(trainer, trained, tmp_path, capsys):
    release(trainer, trained, options(tmp_path))
    assert "beer-ibu/1 is active: it is the model's first version" in capsys.readouterr().err
    manager = ModelManager([NAME], store=ModelStore(tmp_path, OnnxPredictor))
    manager.activate(manager.load(NAME, "1"))
    reloader = ModelReloader(manager, lambda change: None)

    def answering() -> str:
        for _ in range(3):  # a version becomes active once its files are unchanged between two scans
            reloader.scan()
        return manager.get(NAME).manifest.version

    assert release(trainer, trained, options(tmp_path)) == (tmp_path / NAME / "2", True)
    assert answering() == "1"
    err = capsys.readouterr().err
    assert "beer-ibu/2 is not active: version 1 answers. " in err
    assert f"MODEL_URI={tmp_path} python -m app models activate beer-ibu 2" in err
    assert release(trainer, trained, options(tmp_path, "--activate")) == (tmp_path / NAME / "3", True)
    assert answering() == "3"


def test_a_version_that_a_baseline_beats_is_not_activated(beaten, trained, tmp_path, capsys):
    assert release(beaten, trained, options(tmp_path))[1]
    assert release(beaten, trained, options(tmp_path, "--activate")) == (tmp_path / NAME / "2", False)
    assert active_version(tmp_path, NAME) == "1"
    err = capsys.readouterr().err
    assert "WARNING: beer-ibu 1 is worse than the baseline curve" in err
    assert "beer-ibu/2 is NOT activated because of the warning" in err


def test_a_baseline_is_better_or_worse_only_with_the_whole_interval():
    assert better_baselines({"paired": PAIRED}) == ["curve (MAE +2.50 IBU, +0.60 to +4.10)"]
    assert baseline_sentence({"paired": PAIRED}) == (
        "**A baseline is better than this model**, with the whole 95 % interval of the difference: "
        "curve (MAE +2.50 IBU, +0.60 to +4.10). "
        "This model is better than these baselines, with the whole 95 % interval of the difference: median. "
        "The data do not show whether this model or the baseline is better: "
        "linear (MAE -1.30 IBU, -2.80 to +0.20)."
    )


def test_a_run_tells_the_baselines_that_are_better(trainer, trained):
    found = trained.figures.values()
    assert trainer.faults(trained) == [f"is worse than the baseline {better}" for better in better_baselines(found)]
