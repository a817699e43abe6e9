"""What changes on disk: taken up where it is good, told where it is bad, and no memory kept of what went."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.bundle.manifest import Manifest
from app.bundle.pointer import POINTER, activate, rollback
from app.bundle.store import Bundle
from app.errors import BundleError, ModelNotReady
from app.models.changes import Change, ChangeMetrics
from app.models.manager import ModelManager
from app.models.reloader import ModelReloader
from app.models.store import ModelStore
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array, Arrays, Predictor
from tests.bundles import spoil, version_of

NAME = "beer-ibu"
ROW = {"features": np.array([[5.6, 1056, 1013, 17, 8.6, 4.4]], dtype=np.float32)}
PATIENCE = 30.0


class Place:
    """A service that follows a folder, one look at a time."""

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

    def look(self, times: int = 2) -> str:
        """Look: a version is taken up once it rests between two looks."""
        for _ in range(times):
            self.reloader.scan()
        return self.answered()


@pytest.fixture
def place(bundle: Bundle, tmp_path: Path) -> Iterator[Place]:
    """Version 1 serves."""
    version_of(bundle, tmp_path, 1)
    place = Place(tmp_path)
    yield place
    place.reloader.stop()


def test_a_higher_version_is_taken_up(place: Place, bundle: Bundle) -> None:
    assert place.look() == "1" and place.changes == []
    version_of(bundle, place.root, 2)
    assert place.look() == "2"
    (change,) = place.changes
    assert (change.kind, change.name, change.version) == ("swapped", NAME, "2")


def test_the_pointer_is_followed_both_ways(place: Place, bundle: Bundle) -> None:
    version_of(bundle, place.root, 2)
    activate(place.root, NAME, "1")
    assert place.look() == "1"
    activate(place.root, NAME, "2")
    assert place.look() == "2"
    rollback(place.root, NAME)
    assert place.look() == "1"
    assert [change.version for change in place.changes] == ["2", "1"]


def test_reasons_follow_the_swap(bundle: Bundle, tmp_path: Path) -> None:
    rows_by_input: dict[str, Any] = dict(bundle.manifest.golden.inputs)
    explained = {
        "output": "ibu",
        "groups": [{"name": i.name, "inputs": [i.name]} for i in bundle.manifest.inputs],
        "background": {name: rows[:4] for name, rows in rows_by_input.items()},
    }
    first = Manifest.model_validate({**bundle.manifest.model_dump(), "explanation": explained})
    version_of(replace(bundle, manifest=first), tmp_path, 1)
    place = Place(tmp_path)
    before = place.manager.get(NAME).explain(ROW["features"][0])
    explained["background"] = {name: rows[4:8] for name, rows in rows_by_input.items()}
    other = Manifest.model_validate({**bundle.manifest.model_dump(), "explanation": explained})
    version_of(replace(bundle, manifest=other), tmp_path, 2)
    assert place.look() == "2"
    assert place.manager.get(NAME).explain(ROW["features"][0]).base_value != before.base_value
    assert place.manager.get(NAME, "1").explain(ROW["features"][0]) == before


def test_a_bad_version_leaves_the_old_one_serving_and_is_told_once(
    place: Place, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(version_of(bundle, place.root, 2))
    assert place.look(6) == "1"
    (change,) = place.changes
    assert (change.kind, change.version) == ("refused", "2") and "golden rows" in change.reason
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert "golden rows" in record.getMessage()
    version_of(bundle, place.root, 3)
    assert place.look() == "3"


def test_figures_tell_what_answers_and_what_is_refused(place: Place, bundle: Bundle) -> None:
    def figures(name: str) -> dict[str, float]:
        return {labels: value for (n, labels, _), value in place.manager.metrics.read().items() if n == name}

    spoil(version_of(bundle, place.root, 2))
    place.look()
    assert figures("model_changes_total") == {f'model="{NAME}",kind="refused"': 1.0}
    assert figures("model_candidate_refused") == {f'model="{NAME}"': 1.0}
    version_of(bundle, place.root, 3)
    assert place.look() == "3"
    assert figures("model_candidate_refused") == {f'model="{NAME}"': 0.0}
    answering = {labels.split(",")[1]: value for labels, value in figures("model_info").items()}
    assert answering == {'version="1"': 0.0, 'version="3"': 1.0}
    place.manager.get(NAME, "1").infer(ROW)
    asked = {labels.split(",")[1]: value for labels, value in figures("model_predictions_total").items()}
    assert asked['version="1"'] == 2.0, "once before version 3 answered, and once asked for"
    spoil(version_of(bundle, place.root, 4))
    place.look()
    activate(place.root, NAME, "3")
    place.look()
    assert figures("model_candidate_refused") == {f'model="{NAME}"': 0.0}, "nobody asks for version 4 any more"


def test_what_quarantine_refuses_is_never_loaded(bundle: Bundle, tmp_path: Path) -> None:
    def refuse(folder: Path) -> Bundle:
        raise BundleError(f"{folder}: crashes its parser")

    opened: list[str] = []

    def opening(bundle: Bundle) -> Predictor:
        opened.append(bundle.manifest.version)
        return OnnxPredictor(bundle)

    version_of(bundle, tmp_path, 1)
    place = Place(tmp_path, opening)
    place.store._check = refuse
    version_of(bundle, tmp_path, 2)
    assert place.look(6) == "1"
    with pytest.raises(ModelNotReady):
        place.manager.get(NAME, "2").infer(ROW)
    assert opened == ["1"]
    assert "crashes its parser" in place.changes[0].reason


def test_a_version_that_is_still_being_copied_is_waited_for(place: Place, bundle: Bundle, tmp_path: Path) -> None:
    whole = version_of(bundle, tmp_path / "elsewhere", 2)
    target = place.root / NAME / "2"
    target.mkdir()
    for path in sorted(whole.iterdir()):
        assert place.look(1) == "1"
        shutil.copy(path, target)
    assert place.look() == "2"
    assert [change.kind for change in place.changes] == ["swapped"]


def test_a_half_copy_that_rested_is_taken_up_when_it_is_whole(place: Place, bundle: Bundle) -> None:
    folder = version_of(bundle, place.root, 2)
    model = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(model[:1000])
    assert place.look() == "1"
    (folder / "model.onnx").write_bytes(model)
    assert place.look() == "2"
    assert [change.kind for change in place.changes] == ["refused", "swapped"]


@pytest.mark.parametrize("text", ["two\n", "7\n", "2\n1\n1\n"])
def test_a_broken_pointer_leaves_the_old_one_serving(place: Place, bundle: Bundle, text: str) -> None:
    (place.root / NAME / POINTER).write_text(text)
    assert place.look(5) == "1"
    (change,) = place.changes
    assert change.kind == "refused" and POINTER in change.reason


def test_a_folder_that_goes_leaves_the_old_one_serving(place: Place) -> None:
    shutil.rmtree(place.root / NAME)
    assert place.look(5) == "1"
    (change,) = place.changes
    assert "no bundle here" in change.reason


def test_a_version_that_was_asked_for_becomes_active_without_a_second_load(bundle: Bundle, tmp_path: Path) -> None:
    opened: list[str] = []

    def opening(bundle: Bundle) -> Predictor:
        opened.append(bundle.manifest.version)
        return OnnxPredictor(bundle)

    version_of(bundle, tmp_path, 1)
    place = Place(tmp_path, opening)
    version_of(bundle, tmp_path, 2)
    held = place.manager.get(NAME, "2")
    assert place.look() == "2"
    assert place.manager.get(NAME) is held and opened == ["1", "2"]


def test_what_was_asked_for_and_is_deleted_is_dropped(place: Place, bundle: Bundle) -> None:
    version_of(bundle, place.root, 2)
    activate(place.root, NAME, "1")
    place.manager.get(NAME, "2")
    shutil.rmtree(place.root / NAME / "2")
    place.look()
    assert place.manager.loaded(NAME, "2") is None


def test_unloading_and_loading_reach_every_worker(place: Place) -> None:
    other = Place(place.root)
    place.manager.deactivate(NAME)
    other.reloader.scan()
    assert other.manager.state(NAME).deactivated and [c.kind for c in other.changes] == ["unloaded"]
    place.manager.reactivate(NAME)
    assert other.look() == place.look() == "1"


def test_where_the_pointer_cannot_be_written_a_model_is_unloaded_in_this_process(place: Place) -> None:
    (place.root / NAME / POINTER).mkdir()
    place.manager.deactivate(NAME)
    (place.root / NAME / POINTER).rmdir()
    for _ in range(4):
        place.reloader.scan()
    assert place.manager.state(NAME).deactivated
    place.manager.reactivate(NAME)
    assert place.look() == "1" and not place.manager.state(NAME).local_only


def test_calls_under_way_finish_on_the_version_they_began_with(bundle: Bundle, tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    class Pausing(OnnxPredictor):
        def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
            if begun.is_set() is False and threading.current_thread().name == "caller":
                begun.set()
                assert go.wait(PATIENCE)
            return super().predict(inputs)

    version_of(bundle, tmp_path, 1)
    place = Place(tmp_path, Pausing)
    answers: list[str] = []
    caller = threading.Thread(target=lambda: answers.append(place.answered()), name="caller")
    caller.start()
    assert begun.wait(PATIENCE)
    version_of(bundle, tmp_path, 2)
    assert place.look() == "2"
    go.set()
    caller.join(PATIENCE)
    assert answers == ["1"]


def test_it_follows_by_itself_and_stops(place: Place, bundle: Bundle) -> None:
    place.reloader.start()
    place.reloader.start()
    version_of(bundle, place.root, 2)
    deadline = time.monotonic() + PATIENCE
    while place.answered() != "2":
        assert time.monotonic() < deadline
        time.sleep(0.005)
    place.reloader.stop()
    assert not any(thread.name == "models" for thread in threading.enumerate())


def test_a_version_that_fails_in_an_unforeseen_way_is_tried_once(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[str] = []

    def opening(bundle: Bundle) -> Predictor:
        opened.append(bundle.manifest.version)
        if bundle.manifest.version == "2":
            raise ZeroDivisionError
        return OnnxPredictor(bundle)

    version_of(bundle, tmp_path, 1)
    place = Place(tmp_path, opening)
    version_of(bundle, tmp_path, 2)
    assert place.look(6) == "1"
    assert opened == ["1", "2"] and caplog.text.count("cannot be scanned") == 1


def test_a_fault_that_nobody_foresaw_does_not_end_the_looking(
    place: Place, bundle: Bundle, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place.store, "active", lambda name: 1 / 0)
        place.reloader.scan()
    assert "cannot be scanned" in caplog.text
    version_of(bundle, place.root, 2)
    assert place.look() == "2"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_back_after_ten_swaps(place: Place, bundle: Bundle) -> None:
    """Between versions with a file of 20 MB beside the model: who kept one bundle's bytes would be seen."""
    large = replace(bundle, files={**bundle.files, "ballast": bytes(20_000_000)})
    for version in 2, 3:
        version_of(large, place.root, version)

    def swap(times: int) -> int:
        for number in range(times):
            activate(place.root, NAME, str(2 + number % 2))
            assert place.look(3) == str(2 + number % 2)
        place.reloader.scan()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = swap(4)
    grown = swap(10) - before
    print(f"memory after ten swaps: {grown / 1e6:+.2f} MB")
    assert grown < 5_000_000
