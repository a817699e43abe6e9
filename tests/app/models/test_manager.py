"""The model manager: active, requested, bad and deactivated versions."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.bundle.pointer import POINTER
from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError, ModelNotFound, ModelNotReady
from app.models.manager import MAX_ON_REQUEST, ModelManager
from app.models.state import VersionState
from app.models.store import ModelStore
from app.models.worker_notes import WorkerNotes
from app.runtime.onnx import OnnxPredictor
from tests.bundles import copy_as_version, corrupt_golden_rows

NAME = "beer-ibu"
ROW = {"features": np.array([[5.6, 1056, 1013, 17, 8.6, 4.4]], dtype=np.float32)}


@pytest.fixture
def root(bundle: Bundle, tmp_path: Path) -> Path:
    """Versions 1, 2 and 3; 3 is bad, and 1 is active."""
    for version in 1, 2, 3:
        copy_as_version(bundle, tmp_path, version)
    corrupt_golden_rows(tmp_path / NAME / "3")
    (tmp_path / NAME / POINTER).write_text("1\n")
    return tmp_path


class CountingQuarantine:
    """Counts the runs of quarantine, each of which costs a process."""

    def __init__(self) -> None:
        self.quarantined_versions: list[str] = []

    def __call__(self, folder: Path) -> Bundle:
        self.quarantined_versions.append(folder.name)
        return read_bundle(folder)


@pytest.fixture
def quarantine() -> CountingQuarantine:
    """A quarantine that records the versions it tried."""
    return CountingQuarantine()


@pytest.fixture
def manager(root: Path, quarantine: CountingQuarantine) -> ModelManager:
    """The manager as it is after the start of the program."""
    manager = ModelManager([NAME, "wine"], store=ModelStore(root, OnnxPredictor, quarantine))
    manager.activate(manager.load(NAME, "1", quarantined=False))
    return manager


def test_a_version_that_another_process_verified_is_trusted_until_it_changes(
    root: Path, quarantine: CountingQuarantine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    notes = WorkerNotes(tmp_path_factory.mktemp("notes"))
    parent = ModelStore(root, OnnxPredictor, notes=notes)
    parent.open(NAME, "1", quarantined=False)
    with pytest.raises(BundleError):
        parent.open(NAME, "3", quarantined=False)
    worker = ModelStore(root, OnnxPredictor, quarantine, notes=notes)
    worker.open(NAME, "1")
    assert quarantine.quarantined_versions == []
    worker.open(NAME, "2")
    with pytest.raises(BundleError):
        worker.open(NAME, "3")
    assert quarantine.quarantined_versions == ["2", "3"]
    os.utime(root / NAME / "1" / "model.onnx")
    worker.open(NAME, "1")
    assert quarantine.quarantined_versions == ["2", "3", "1"]


def test_a_version_with_other_contents_than_the_verified_ones_is_quarantined(
    root: Path, quarantine: CountingQuarantine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As if the files had changed, and their times had been set back."""
    notes = WorkerNotes(tmp_path_factory.mktemp("notes"))
    ModelStore(root, OnnxPredictor, notes=notes).open(NAME, "1", quarantined=False)
    mark, _, digest = notes.verified(NAME).partition(" ")
    notes.set_verified(NAME, f"{mark} {digest[::-1]}")
    ModelStore(root, OnnxPredictor, quarantine, notes=notes).open(NAME, "1")
    assert quarantine.quarantined_versions == ["1"]


def answering_version(manager: ModelManager, version: str | None = None) -> str:
    model = manager.get(NAME, version)
    model.infer(ROW)
    return model.manifest.version


def test_without_a_version_the_active_one_answers(manager: ModelManager) -> None:
    assert answering_version(manager) == "1"
    assert not manager.is_slow(NAME)


def test_a_requested_version_is_loaded_once_beside_the_active_one(
    manager: ModelManager, quarantine: CountingQuarantine
) -> None:
    assert manager.is_slow(NAME, "2")
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: answering_version(manager, "2"), range(16))) == {"2"}
    assert quarantine.quarantined_versions == ["2"]
    assert not manager.is_slow(NAME, "2")
    assert answering_version(manager) == answering_version(manager, "1") == "1"


@pytest.mark.parametrize("version", ["4", "0", "-1", "", "01", "1 ", "../2", "2/../1", "٢", "9" * 500, "latest"])
def test_an_unknown_version_is_not_found(manager: ModelManager, version: str) -> None:
    with pytest.raises(ModelNotFound):
        answering_version(manager, version)


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


def test_a_bad_requested_version_is_quarantined_and_logged_once(
    manager: ModelManager, quarantine: CountingQuarantine, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        with pytest.raises(ModelNotReady):
            answering_version(manager, "3")
    assert quarantine.quarantined_versions == ["3"]
    assert [r.getMessage() for r in caplog.records if "golden rows" in r.getMessage()] != []
    assert len(caplog.records) == 1
    assert answering_version(manager) == "1"


def test_a_repaired_version_answers(manager: ModelManager, root: Path, bundle: Bundle) -> None:
    with pytest.raises(ModelNotReady):
        answering_version(manager, "3")
    for path in (root / NAME / "3").iterdir():
        path.unlink()
    (root / NAME / "3").rmdir()
    copy_as_version(bundle, root, 3)
    assert answering_version(manager, "3") == "3"


def test_states_list_each_version_and_why_it_does_not_answer(manager: ModelManager) -> None:
    with pytest.raises(ModelNotReady):
        answering_version(manager, "3")
    one, two, three = manager.states(NAME)
    assert one == VersionState(NAME, "1", "READY", "")
    assert two == VersionState(NAME, "2", "UNAVAILABLE", "not loaded")
    assert three.state == "UNAVAILABLE" and "golden rows" in three.reason
    answering_version(manager, "2")
    assert [v.state for v in manager.states(NAME)] == ["READY", "READY", "UNAVAILABLE"]
    assert manager.states("wine") == []
    assert manager.versions(NAME) == ("1", "2", "3")


def test_versions_are_in_numerical_order(manager: ModelManager, root: Path, bundle: Bundle) -> None:
    copy_as_version(bundle, root, 10)
    assert manager.versions(NAME) == ("1", "2", "3", "10")


def test_is_ready_loads_no_version(manager: ModelManager) -> None:
    assert manager.is_ready(NAME) and manager.is_ready(NAME, "1")
    assert not manager.is_ready(NAME, "2") and not manager.is_ready("wine")
    for name, version in ((NAME, "9"), ("ale", None), ("ale", "1")):
        with pytest.raises(ModelNotFound):
            manager.is_ready(name, version)
    assert manager.is_slow(NAME, "2"), "the version is still not loaded"


def test_a_requested_version_that_was_active_is_dropped_with_the_next_swap(manager: ModelManager) -> None:
    manager.activate(manager.get(NAME, "2"))
    manager.activate(manager.load(NAME, "1"))
    assert manager.loaded(NAME, "2") is None


def test_a_bounded_number_of_requested_versions_stays_loaded(manager: ModelManager, root: Path, bundle: Bundle) -> None:
    numbers = [str(4 + i) for i in range(MAX_ON_REQUEST + 2)]
    for number in numbers:
        copy_as_version(bundle, root, number)
        assert answering_version(manager, number) == number
    assert [manager.loaded(NAME, n) is not None for n in numbers] == [False] * 2 + [True] * MAX_ON_REQUEST


def test_a_deactivated_model_does_not_answer_until_it_is_reactivated(manager: ModelManager, root: Path) -> None:
    manager.deactivate("wine", persist=False)
    assert manager.ready
    assert manager.get(NAME, "2").manifest.version == "2"
    manager.deactivate(NAME)
    for version in None, "1", "2":
        with pytest.raises(ModelNotReady):
            answering_version(manager, version)
    assert (root / NAME / POINTER).read_text() == "none\n1\n"
    assert manager.ready, "the model was deactivated on purpose"
    manager.reactivate(NAME)
    assert answering_version(manager) == "1"
    assert (root / NAME / POINTER).read_text() == "1\n"


def test_a_model_that_cannot_be_loaded_is_not_ready(manager: ModelManager, root: Path) -> None:
    (root / NAME / POINTER).write_text("3\n")
    with pytest.raises(ModelNotReady):
        manager.reactivate(NAME)
    assert answering_version(manager) == "1"


def test_the_manager_is_not_ready_before_its_models_are_loaded(manager: ModelManager) -> None:
    assert not manager.ready
    with pytest.raises(ModelNotReady):
        manager.get("wine")
