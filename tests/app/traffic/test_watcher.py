"""Taking up rollouts: bad files and versions are named, a stop outlives what cannot be written, a crash stops it."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.bundle.pointer import activate
from app.bundle.rollout import ROLLOUT, RolloutSpec, new_id, read_rollout, write_rollout
from app.bundle.store import Bundle
from app.domains.beer.api import VITALS
from app.models.store import ModelStore
from app.models.worker_notes import WorkerNotes
from app.runtime.onnx import OnnxPredictor
from app.traffic.guard import Breach
from tests.bundles import copy_as_version, corrupt_golden_rows
from tests.rollouts import BEER, TRIGGERED, Service

pytestmark = pytest.mark.anyio


async def test_a_version_that_does_not_verify_is_refused(service: Service, bundle: Bundle) -> None:
    corrupt_golden_rows(copy_as_version(bundle, service.root, 9))
    write_rollout(service.root, VITALS, RolloutSpec(id=new_id(), mode="canary", version="9", share=1.0))
    assert "golden rows" in service.stopped()
    assert await service.versions(1) == ["1"]
    assert service.figure("model_rollout_stopped_total", version="9", reason="refused") == 1


async def test_a_broken_file_leaves_what_is_on(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.begin("2")
    (service.root / VITALS / ROLLOUT).write_text("{")
    service.scan()
    service.scan()
    assert await service.versions(1) == ["2"]
    assert len([r for r in caplog.records if "stays as it is" in r.getMessage()]) == 1


async def test_the_active_version_is_never_its_own_candidate(service: Service) -> None:
    write_rollout(service.root, VITALS, RolloutSpec(mode="canary", version="1", share=1.0))
    service.scan()
    assert service.traffic.current is None


async def test_a_version_that_was_activated_by_hand_is_no_candidate_after_a_rollback(service: Service) -> None:
    service.begin("2", share=0.5)
    activate(service.root, VITALS, "2")
    service.scan()
    assert service.stopped() == "it became the active version"
    activate(service.root, VITALS, "1")
    service.scan()
    assert service.traffic.current is None and await service.versions(1) == ["1"]


async def test_a_candidate_that_is_deleted_is_stopped(service: Service) -> None:
    service.begin("2")
    (service.root / VITALS / "2").unlink()
    assert service.stopped() == "its files are gone"
    assert await service.versions(1) == ["1"] and service.traffic.current is None
    assert service.figure("model_rollout_stopped_total", version="2", reason="refused") == 1


async def test_files_written_by_hand_are_told_from_one_another(service: Service) -> None:
    path = service.root / VITALS / ROLLOUT
    path.write_text('{"mode": "canary", "version": "6", "share": 1}')
    service.scan()
    await service.predict(TRIGGERED)
    assert "runs failed" in service.stopped()
    path.write_text('{"mode": "canary", "version": "2", "share": 1}')
    service.scan()
    assert await service.versions(1) == ["2"]


async def test_what_is_stopped_while_the_file_is_read_does_not_begin_anew(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.begin("2")
    assert service.traffic.current is not None
    live, read = service.traffic.current.by_name[VITALS], service.manager.wanted_rollout

    def break_after_reading(name: str) -> RolloutSpec | None:
        spec = read(name)
        live.judge(Breach("errors", "it fails"))
        return spec

    monkeypatch.setattr(service.manager, "wanted_rollout", break_after_reading)
    service.reloader.scan()
    assert service.traffic.current is None
    assert service.stopped() == "it fails" and await service.versions(1) == ["1"]


async def test_another_active_version_begins_it_anew(service: Service) -> None:
    service.begin("3", "shadow", max_difference=1e6)
    first = service.manager.get(VITALS)
    activate(service.root, VITALS, "2")
    service.scan()
    assert not first.observers and len(service.manager.get(VITALS).observers) == 1
    assert await service.versions(1) == ["2"]


async def test_a_stop_holds_where_the_file_cannot_be_written(
    service: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.begin("6")
    before = (service.root / VITALS / ROLLOUT).read_bytes()
    monkeypatch.setattr("app.bundle.pointer.os.replace", _full)
    await service.predict(TRIGGERED)
    for _ in range(3):
        service.scan()
    assert (service.root / VITALS / ROLLOUT).read_bytes() == before
    assert service.traffic.current is None and await service.versions(2) == ["1", "1"]
    (index,) = [s for s in service.manager.states(VITALS) if s.version == "6"]
    assert "stopped: 1 of 1 runs failed" in index.reason
    assert any("known to this program alone" in r.getMessage() for r in caplog.records)


def _full(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


async def test_a_stop_reaches_the_other_workers(service: Service, tmp_path: Path) -> None:
    """Through the workers' notes, where the models' folder is read-only."""
    notes = WorkerNotes(tmp_path)
    spec = service.begin("2")
    other = ModelStore(service.root, OnnxPredictor, notes=WorkerNotes(tmp_path))
    notes.set_stopped(VITALS, spec.id, "its answers differ")
    wanted = other.rollout(VITALS)
    assert wanted is not None and wanted.stopped == "its answers differ"
    service.begin("2")
    again = other.rollout(VITALS)
    assert again is not None and again.stopped == "", "another rollout of the same version"


@pytest.mark.skipif(sys.platform == "win32", reason="where a program has no workers")
async def test_a_candidate_that_ends_a_worker_is_stopped(service: Service, tmp_path: Path) -> None:
    """A worker that is replaced finds the note of the dead one."""
    notes = WorkerNotes(tmp_path)
    service.manager._store.notes = notes  # type: ignore[union-attr]
    spec = RolloutSpec(id=new_id(), mode="canary", version="2", share=1.0)
    script = (
        "import sys, os, pathlib; from app.models.worker_notes import WorkerNotes;"
        f"WorkerNotes(pathlib.Path({str(tmp_path)!r})).set_trying({VITALS!r}, {spec.id!r}); os.abort()"
    )
    subprocess.run([sys.executable, "-c", script], check=False, cwd=os.getcwd(), stderr=subprocess.DEVNULL)
    write_rollout(service.root, VITALS, spec)
    service.scan()
    stopped = read_rollout(service.root, VITALS)
    assert stopped is not None and stopped.stopped == "a worker ended while it tried the version"
    assert service.traffic.current is None
    service.begin("2")
    service.watcher.stop()
    assert len(list(tmp_path.glob("trying-*"))) == 1, "of the dead worker; this one has ended in good order"


async def test_a_rollout_leaves_other_observers_alone(service: Service) -> None:
    active, seen = service.manager.get(VITALS), list[float]()
    active.add_observer(lambda inputs, outputs, seconds, requests: seen.append(seconds))
    service.begin("2", "shadow")
    await service.predict(BEER)
    service.reloader.stop()
    await service.predict(BEER)
    assert len(active.observers) == 1 and len(seen) == 2


async def test_nothing_is_left_behind_when_it_ends(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.traffic")
    service.begin("2")
    service.reloader.stop()
    assert service.traffic.current is None and not service.manager.get(VITALS).observers
    assert (await service.predict(BEER))["model"]["version"] == "1"
