"""Versions of a model: which answers, which is loaded because it was asked for, what is bad, what is unloaded."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.bundle.pointer import POINTER
from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError, ModelNotFound, ModelNotReady
from app.models.manager import MAX_ON_REQUEST, ModelManager, VersionState
from app.models.store import ModelStore
from app.runtime.onnx import OnnxPredictor
from tests.bundles import spoil, version_of

NAME = "beer-ibu"
ROW = {"features": np.array([[5.6, 1056, 1013, 17, 8.6, 4.4]], dtype=np.float32)}


@pytest.fixture
def root(bundle: Bundle, tmp_path: Path) -> Path:
    """Versions 1, 2 and 3; 3 is bad, and 1 is active."""
    for version in 1, 2, 3:
        version_of(bundle, tmp_path, version)
    spoil(tmp_path / NAME / "3")
    (tmp_path / NAME / POINTER).write_text("1\n")
    return tmp_path


class Counting:
    """Counts the trials, which cost a process each."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def __call__(self, folder: Path) -> Bundle:
        self.tried.append(folder.name)
        return read_bundle(folder)


@pytest.fixture
def trials() -> Counting:
    """Which versions were tried."""
    return Counting()


@pytest.fixture
def manager(root: Path, trials: Counting) -> ModelManager:
    """The service as the program has it after its start."""
    manager = ModelManager([NAME, "wine"], store=ModelStore(root, OnnxPredictor, trials))
    manager.activate(manager.load(NAME, "1", quarantined=False))
    return manager


def test_what_another_process_found_good_is_not_tried_again_until_it_changes(root: Path, trials: Counting) -> None:
    parent = ModelStore(root, OnnxPredictor)
    parent.open(NAME, "1", quarantined=False)
    with pytest.raises(BundleError):
        parent.open(NAME, "3", quarantined=False)
    worker = ModelStore(root, OnnxPredictor, trials)
    worker.trust(parent.known_good)
    worker.open(NAME, "1")
    assert trials.tried == []
    worker.open(NAME, "2")
    with pytest.raises(BundleError):
        worker.open(NAME, "3")
    assert trials.tried == ["2", "3"]
    os.utime(root / NAME / "1" / "model.onnx")
    worker.open(NAME, "1")
    assert trials.tried == ["2", "3", "1"]


def answering(manager: ModelManager, version: str | None = None) -> str:
    model = manager.get(NAME, version)
    model.infer(ROW)
    return model.manifest.version


def test_without_a_version_the_active_one_answers(manager: ModelManager) -> None:
    assert answering(manager) == "1"
    assert not manager.is_slow(NAME)


def test_a_version_that_is_asked_for_is_loaded_once_beside_the_active_one(
    manager: ModelManager, trials: Counting
) -> None:
    assert manager.is_slow(NAME, "2")
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: answering(manager, "2"), range(16))) == {"2"}
    assert trials.tried == ["2"]
    assert not manager.is_slow(NAME, "2")
    assert answering(manager) == answering(manager, "1") == "1"


@pytest.mark.parametrize("version", ["4", "0", "-1", "", "01", "1 ", "../2", "2/../1", "٢", "9" * 500, "latest"])
def test_an_unknown_version_is_not_found(manager: ModelManager, version: str) -> None:
    with pytest.raises(ModelNotFound):
        answering(manager, version)


def test_an_unknown_model_is_not_found(manager: ModelManager) -> None:
    for call in (
        lambda: manager.get("ale"),
        lambda: manager.get("ale", "1"),
        lambda: manager.versions("ale"),
        lambda: manager.reactivate("ale"),
        lambda: manager.deactivate("ale"),
        lambda: manager.get("../models", "1"),
    ):
        with pytest.raises(ModelNotFound):
            call()


def test_a_bad_version_that_is_asked_for_is_tried_once_and_told_once(
    manager: ModelManager, trials: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with pytest.raises(ModelNotReady):
            answering(manager, "3")
    assert trials.tried == ["3"]
    assert [r.getMessage() for r in caplog.records if "golden rows" in r.getMessage()] != []
    assert len(caplog.records) == 1
    assert answering(manager) == "1"


def test_a_bad_version_that_was_mended_answers(manager: ModelManager, root: Path, bundle: Bundle) -> None:
    with pytest.raises(ModelNotReady):
        answering(manager, "3")
    for path in (root / NAME / "3").iterdir():
        path.unlink()
    (root / NAME / "3").rmdir()
    version_of(bundle, root, 3)
    assert answering(manager, "3") == "3"


def test_versions_tell_what_answers_and_why_not(manager: ModelManager) -> None:
    with pytest.raises(ModelNotReady):
        answering(manager, "3")
    one, two, three = manager.states(NAME)
    assert one == VersionState(NAME, "1", "READY", "")
    assert two == VersionState(NAME, "2", "UNAVAILABLE", "not loaded")
    assert three.state == "UNAVAILABLE" and "golden rows" in three.reason
    answering(manager, "2")
    assert [v.state for v in manager.states(NAME)] == ["READY", "READY", "UNAVAILABLE"]
    assert manager.states("wine") == []
    assert manager.versions(NAME) == ("1", "2", "3")


def test_whether_a_version_answers_is_told_without_loading_it(manager: ModelManager) -> None:
    assert manager.is_ready(NAME) and manager.is_ready(NAME, "1")
    assert not manager.is_ready(NAME, "2") and not manager.is_ready("wine")
    for name, version in ((NAME, "9"), ("ale", None), ("ale", "1")):
        with pytest.raises(ModelNotFound):
            manager.is_ready(name, version)
    assert manager.is_slow(NAME, "2"), "it is still not loaded"


def test_only_so_many_versions_stay_loaded_because_they_were_asked_for(
    manager: ModelManager, root: Path, bundle: Bundle
) -> None:
    numbers = [str(4 + i) for i in range(MAX_ON_REQUEST + 2)]
    for number in numbers:
        version_of(bundle, root, number)
        assert answering(manager, number) == number
    assert [manager.loaded(NAME, n) is not None for n in numbers] == [False] * 2 + [True] * MAX_ON_REQUEST


def test_an_unloaded_model_is_not_ready_until_it_is_loaded(manager: ModelManager, root: Path) -> None:
    manager.deactivate("wine", persist=False)
    assert manager.ready
    manager.deactivate(NAME)
    for version in None, "1", "2":
        with pytest.raises(ModelNotReady):
            answering(manager, version)
    assert (root / NAME / POINTER).read_text() == "none\n1\n"
    assert manager.ready, "it is so on purpose"
    manager.reactivate(NAME)
    assert answering(manager) == "1"
    assert (root / NAME / POINTER).read_text() == "1\n"


def test_a_model_that_cannot_be_loaded_is_not_ready(manager: ModelManager, root: Path) -> None:
    (root / NAME / POINTER).write_text("3\n")
    with pytest.raises(ModelNotReady):
        manager.reactivate(NAME)
    assert answering(manager) == "1"


def test_before_its_models_are_loaded_the_service_is_not_ready(manager: ModelManager) -> None:
    assert not manager.ready
    with pytest.raises(ModelNotReady):
        manager.get("wine")
