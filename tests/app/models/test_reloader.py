"""The reloader: good versions become active, bad ones are logged, and dropped versions leave no memory behind."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from app.bundle.manifest import Manifest
from app.bundle.pointer import POINTER, activate, rollback
from app.bundle.store import Bundle
from app.errors import BundleError, ModelNotReady, TooLate
from app.models.changes import Change, ChangeMetrics
from app.models.manager import ModelManager
from app.models.reloader import ModelReloader
from app.models.store import ModelStore
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array, Arrays, Predictor
from tests.bundles import copy_as_version, corrupt_golden_rows

NAME = "beer-ibu"
ROW = {"features": np.array([[5.6, 1056, 1013, 17, 8.6, 4.4]], dtype=np.float32)}
PATIENCE = 30.0


class Reloading:
    """A manager whose reloader scans a folder, one scan at a time."""

    def __init__(self, root: Path, open: Callable[[Bundle], Predictor] = OnnxPredictor) -> None:
        self.root = root
        self.changes: list[Change] = []
        self.store = ModelStore(root, open)
        self.manager = ModelManager([NAME], store=self.store)
        self.manager.activate(self.manager.load(NAME, "1"))
        self._figures = ChangeMetrics(self.manager.metrics)
        self.reloader = ModelReloader(self.manager, self._record)

    def _record(self, change: Change) -> None:
        self.changes.append(change)
        self._figures(change)

    def answered(self) -> str:
        """The version that answers a row."""
        model = self.manager.get(NAME)
        model.infer(ROW)
        return model.manifest.version

    def scan(self, times: int = 2) -> str:
        """Scan: a version becomes active once its files are unchanged between two scans."""
        for _ in range(times):
            self.reloader.scan()
        return self.answered()


@pytest.fixture
def reloading(bundle: Bundle, tmp_path: Path) -> Iterator[Reloading]:
    """Version 1 serves."""
    copy_as_version(bundle, tmp_path, 1)
    reloading = Reloading(tmp_path)
    yield reloading
    reloading.reloader.stop()


def test_a_higher_version_becomes_active(reloading: Reloading, bundle: Bundle) -> None:
    assert reloading.scan() == "1" and reloading.changes == []
    copy_as_version(bundle, reloading.root, 2)
    assert reloading.scan() == "2"
    (change,) = reloading.changes
    assert (change.kind, change.name, change.version) == ("swapped", NAME, "2")


def test_the_pointer_is_followed_both_ways(reloading: Reloading, bundle: Bundle) -> None:
    copy_as_version(bundle, reloading.root, 2)
    activate(reloading.root, NAME, "1")
    assert reloading.scan() == "1"
    activate(reloading.root, NAME, "2")
    assert reloading.scan() == "2"
    rollback(reloading.root, NAME)
    assert reloading.scan() == "1"
    assert [change.version for change in reloading.changes] == ["2", "1"]


def test_explanations_follow_the_swap(bundle: Bundle, tmp_path: Path) -> None:
    rows_by_input: dict[str, Any] = dict(bundle.manifest.golden.inputs)
    explained = {
        "output": "ibu",
        "groups": [{"name": i.name, "inputs": [i.name]} for i in bundle.manifest.inputs],
        "background": {name: rows[:4] for name, rows in rows_by_input.items()},
    }
    first = Manifest.model_validate({**bundle.manifest.model_dump(), "explanation": explained})
    copy_as_version(replace(bundle, manifest=first), tmp_path, 1)
    reloading = Reloading(tmp_path)
    before = reloading.manager.get(NAME).explain(ROW["features"][0])
    explained["background"] = {name: rows[4:8] for name, rows in rows_by_input.items()}
    other = Manifest.model_validate({**bundle.manifest.model_dump(), "explanation": explained})
    copy_as_version(replace(bundle, manifest=other), tmp_path, 2)
    assert reloading.scan() == "2"
    assert reloading.manager.get(NAME).explain(ROW["features"][0]).base_value != before.base_value
    assert reloading.manager.get(NAME, "1").explain(ROW["features"][0]) == before


def test_a_bad_version_leaves_the_old_one_active_and_is_logged_once(
    reloading: Reloading, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    corrupt_golden_rows(copy_as_version(bundle, reloading.root, 2))
    assert reloading.scan(6) == "1"
    (change,) = reloading.changes
    assert (change.kind, change.version) == ("refused", "2") and "golden rows" in change.reason
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert "golden rows" in record.getMessage()
    copy_as_version(bundle, reloading.root, 3)
    assert reloading.scan() == "3"


def test_metrics_show_the_active_version_and_rejected_candidates(reloading: Reloading, bundle: Bundle) -> None:
    def figures(name: str) -> dict[str, float]:
        return {labels: value for (n, labels, _), value in reloading.manager.metrics.read().items() if n == name}

    corrupt_golden_rows(copy_as_version(bundle, reloading.root, 2))
    reloading.scan()
    assert figures("model_changes_total") == {f'model="{NAME}",kind="refused"': 1.0}
    assert figures("model_candidate_refused") == {f'model="{NAME}"': 1.0}
    copy_as_version(bundle, reloading.root, 3)
    assert reloading.scan() == "3"
    assert figures("model_candidate_refused") == {f'model="{NAME}"': 0.0}
    answering = {labels.split(",")[1]: value for labels, value in figures("model_info").items()}
    assert answering == {'version="1"': 0.0, 'version="3"': 1.0}
    reloading.manager.get(NAME, "1").infer(ROW)
    asked = {labels.split(",")[1]: value for labels, value in figures("model_predictions_total").items()}
    assert asked['version="1"'] == 2.0, "once before version 3 answered, and once asked for"
    corrupt_golden_rows(copy_as_version(bundle, reloading.root, 4))
    reloading.scan()
    activate(reloading.root, NAME, "3")
    reloading.scan()
    assert figures("model_candidate_refused") == {f'model="{NAME}"': 0.0}, "the pointer names version 4 no longer"


def test_a_version_that_quarantine_rejects_is_never_loaded(bundle: Bundle, tmp_path: Path) -> None:
    def refuse(folder: Path) -> Bundle:
        raise BundleError(f"{folder}: crashes its parser")

    opened: list[str] = []

    def opening(bundle: Bundle) -> Predictor:
        opened.append(bundle.manifest.version)
        return OnnxPredictor(bundle)

    copy_as_version(bundle, tmp_path, 1)
    reloading = Reloading(tmp_path, opening)
    reloading.store._check = refuse
    copy_as_version(bundle, tmp_path, 2)
    assert reloading.scan(6) == "1"
    with pytest.raises(ModelNotReady):
        reloading.manager.get(NAME, "2").infer(ROW)
    assert opened == ["1"]
    assert "crashes its parser" in reloading.changes[0].reason


def test_a_version_is_not_loaded_while_it_is_being_copied(reloading: Reloading, bundle: Bundle, tmp_path: Path) -> None:
    whole = copy_as_version(bundle, tmp_path / "elsewhere", 2)
    target = reloading.root / NAME / "2"
    target.mkdir()
    for path in sorted(whole.iterdir()):
        assert reloading.scan(1) == "1"
        shutil.copy(path, target)
    assert reloading.scan() == "2"
    assert [change.kind for change in reloading.changes] == ["swapped"]


def test_an_incomplete_copy_becomes_active_once_it_is_complete(reloading: Reloading, bundle: Bundle) -> None:
    folder = copy_as_version(bundle, reloading.root, 2)
    model = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(model[:1000])
    assert reloading.scan() == "1"
    (folder / "model.onnx").write_bytes(model)
    assert reloading.scan() == "2"
    assert [change.kind for change in reloading.changes] == ["refused", "swapped"]


@pytest.mark.parametrize("text", ["two\n", "7\n", "2\n1\n1\n"])
def test_a_broken_pointer_leaves_the_old_version_active(reloading: Reloading, bundle: Bundle, text: str) -> None:
    (reloading.root / NAME / POINTER).write_text(text)
    assert reloading.scan(5) == "1"
    (change,) = reloading.changes
    assert change.kind == "refused" and POINTER in change.reason


def test_a_deleted_folder_leaves_the_old_version_active(reloading: Reloading) -> None:
    shutil.rmtree(reloading.root / NAME)
    assert reloading.scan(5) == "1"
    (change,) = reloading.changes
    assert "no bundle here" in change.reason


def test_a_requested_version_becomes_active_without_a_second_load(bundle: Bundle, tmp_path: Path) -> None:
    opened: list[str] = []

    def opening(bundle: Bundle) -> Predictor:
        opened.append(bundle.manifest.version)
        return OnnxPredictor(bundle)

    copy_as_version(bundle, tmp_path, 1)
    reloading = Reloading(tmp_path, opening)
    copy_as_version(bundle, tmp_path, 2)
    held = reloading.manager.get(NAME, "2")
    assert reloading.scan() == "2"
    assert reloading.manager.get(NAME) is held and opened == ["1", "2"]


def test_a_requested_version_is_dropped_once_it_is_deleted(reloading: Reloading, bundle: Bundle) -> None:
    copy_as_version(bundle, reloading.root, 2)
    activate(reloading.root, NAME, "1")
    reloading.manager.get(NAME, "2")
    shutil.rmtree(reloading.root / NAME / "2")
    reloading.scan()
    assert reloading.manager.loaded(NAME, "2") is None


def test_deactivation_and_reactivation_reach_every_worker(reloading: Reloading) -> None:
    other = Reloading(reloading.root)
    reloading.manager.deactivate(NAME)
    other.reloader.scan()
    assert other.manager.state(NAME).deactivated and [c.kind for c in other.changes] == ["unloaded"]
    reloading.manager.reactivate(NAME)
    assert other.scan() == reloading.scan() == "1"


def test_a_model_is_deactivated_in_this_process_alone_if_its_pointer_is_not_writable(reloading: Reloading) -> None:
    (reloading.root / NAME / POINTER).mkdir()
    reloading.manager.deactivate(NAME)
    (reloading.root / NAME / POINTER).rmdir()
    for _ in range(4):
        reloading.reloader.scan()
    assert reloading.manager.state(NAME).deactivated
    reloading.manager.reactivate(NAME)
    assert reloading.scan() == "1" and not reloading.manager.state(NAME).local_only


def test_calls_in_progress_finish_on_their_version(bundle: Bundle, tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    class Pausing(OnnxPredictor):
        def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
            if begun.is_set() is False and threading.current_thread().name == "caller":
                begun.set()
                assert go.wait(PATIENCE)
            return super().predict(inputs)

    copy_as_version(bundle, tmp_path, 1)
    reloading = Reloading(tmp_path, Pausing)
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(reloading.answered()), name="caller")
    caller.start()
    assert begun.wait(PATIENCE)
    copy_as_version(bundle, tmp_path, 2)
    assert reloading.scan() == "2"
    go.set()
    caller.join(PATIENCE)
    assert answers == ["1"]


def test_the_reloader_scans_in_its_thread_until_it_is_stopped(reloading: Reloading, bundle: Bundle) -> None:
    reloading.reloader.start()
    reloading.reloader.start()
    copy_as_version(bundle, reloading.root, 2)
    deadline = time.monotonic() + PATIENCE
    while reloading.answered() != "2":
        assert time.monotonic() < deadline
        time.sleep(0.005)
    reloading.reloader.stop()
    assert not any(thread.name == "models" for thread in threading.enumerate())


def test_a_version_that_fails_unexpectedly_is_tried_once(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[str] = []

    def opening(bundle: Bundle) -> Predictor:
        opened.append(bundle.manifest.version)
        if bundle.manifest.version == "2":
            raise ZeroDivisionError
        return OnnxPredictor(bundle)

    copy_as_version(bundle, tmp_path, 1)
    reloading = Reloading(tmp_path, opening)
    copy_as_version(bundle, tmp_path, 2)
    assert reloading.scan(6) == "1"
    assert opened == ["1", "2"] and caplog.text.count("cannot be scanned") == 1


class _SlowServer(OnnxPredictor):
    """A model at a server that is too slow for single rows or for the explanation's background, once each."""

    late: ClassVar[set[int]] = set()
    """Numbers of rows whose next call is late."""

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        rows = len(inputs["features"])
        if rows in self.late:
            self.late.remove(rows)
            raise TooLate
        return super().predict(inputs, timeout)


@pytest.mark.parametrize("rows", [1, 32], ids=["single row", "background"])
def test_a_version_whose_server_was_late_is_tried_again(bundle: Bundle, tmp_path: Path, rows: int) -> None:
    copy_as_version(bundle, tmp_path, "1")
    reloading = Reloading(tmp_path, _SlowServer)
    copy_as_version(bundle, tmp_path, "2")
    _SlowServer.late = {rows}
    assert reloading.scan() == "1"
    assert reloading.scan() == "2"
    assert not _SlowServer.late
    assert [change.kind for change in reloading.changes] == ["swapped"]


def test_an_unexpected_error_does_not_end_the_scans(
    reloading: Reloading, bundle: Bundle, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reloading.store, "active", lambda name: 1 / 0)
        reloading.reloader.scan()
    assert "cannot be scanned" in caplog.text
    copy_as_version(bundle, reloading.root, 2)
    assert reloading.scan() == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ten_swaps_do_not_grow_the_memory(reloading: Reloading, bundle: Bundle) -> None:
    """Swap versions that have a file of 20 MB beside the model, so that a bundle kept in memory is noticed."""
    large = replace(bundle, files={**bundle.files, "ballast": bytes(20_000_000)})
    for version in 2, 3:
        copy_as_version(large, reloading.root, version)

    def swap(times: int) -> int:
        for number in range(times):
            activate(reloading.root, NAME, str(2 + number % 2))
            assert reloading.scan(3) == str(2 + number % 2)
        reloading.reloader.scan()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = swap(4)
    grown = swap(10) - before
    print(f"memory after ten swaps: {grown / 1e6:+.2f} MB")
    assert grown < 5_000_000
