"""The store of labels: durable, once each, bounded, and whole whatever happens."""

import errno
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import LabelsUnavailable
from app.labels import store as module
from app.labels.label import to_line
from app.labels.reading import read_labels
from app.labels.store import LOCK, Bounds, LabelStore, Offer, Outcome
from tests.known import REPOSITORY
from tests.labels import label

BOUNDS = Bounds(labels=1000, disk_bytes=10_000_000, days=30)


def offers(*ids: str, **fields: Any) -> list[Offer]:
    return [Offer(label(id=each, **fields)) for each in ids]


def stored(folder: Path) -> list[str]:
    return sorted(each.id for each in read_labels([folder]))


def test_labels_are_stored_in_private_files(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "records"
    assert LabelStore(folder, BOUNDS).add(offers("a", "b")) == [Outcome.STORED] * 2
    assert stored(folder) == ["a", "b"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_label_that_comes_again_is_stored_once_in_this_and_in_any_other_process_and_after_a_restart(
    tmp_path: Path,
) -> None:
    first, second = LabelStore(tmp_path, BOUNDS), LabelStore(tmp_path, BOUNDS)
    assert first.add(offers("a", "a")) == [Outcome.STORED, Outcome.REPEATED]
    assert second.add(offers("a", "b")) == [Outcome.REPEATED, Outcome.STORED]
    assert first.add(offers("b")) == [Outcome.REPEATED]
    assert LabelStore(tmp_path, BOUNDS).add(offers("a", "b")) == [Outcome.REPEATED] * 2
    assert len(next(tmp_path.glob("feedback-*")).read_bytes().splitlines()) == 2


@pytest.mark.parametrize("changed", [{"ibu": 42.0}, {"note": "another"}], ids=str)
def test_another_label_with_the_same_id_is_a_conflict_unless_it_replaces(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    LabelStore(tmp_path, BOUNDS).add(offers("a"))
    store = LabelStore(tmp_path, BOUNDS)
    [offer] = offers("a", **changed)
    assert store.add([offer]) == [Outcome.CONFLICT]
    assert store.add([replace(offer, replaces=True)] * 2) == [Outcome.REPLACED, Outcome.REPEATED]
    assert [each.ibu for each in read_labels([tmp_path])] == [offer.label.ibu]
    assert store.add(offers("a")) == [Outcome.CONFLICT]
    assert LabelStore(tmp_path, BOUNDS).add(offers("a")) == [Outcome.CONFLICT]


def test_the_half_line_of_a_killed_process_is_removed_before_the_next_label(tmp_path: Path) -> None:
    LabelStore(tmp_path, BOUNDS).add(offers("a"))
    path = next(tmp_path.glob("feedback-*"))
    whole = path.read_bytes()
    path.write_bytes(whole + to_line(label(id="b"))[:50])
    assert LabelStore(tmp_path, BOUNDS).add(offers("b")) == [Outcome.STORED]
    assert path.read_bytes() == whole + to_line(label(id="b"))


def test_a_line_that_is_no_label_stops_nobody(tmp_path: Path) -> None:
    path = tmp_path / "feedback-00000001-20261127T160000Z.jsonl"
    path.write_bytes(b'{}\n[]\nnull\n\xff\n{"id":7,"ibu":1}\n{"id":"a","ibu":"x"}\n')
    assert LabelStore(tmp_path, BOUNDS).add(offers("a")) == [Outcome.STORED]
    assert stored(tmp_path) == ["a"]


@pytest.mark.parametrize("after", [0, 100])
def test_on_a_full_disk_nothing_is_kept_and_later_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    store = LabelStore(tmp_path, BOUNDS)
    store.add(offers("a"))
    before = next(tmp_path.glob("feedback-*")).read_bytes()
    written = 0

    def write(descriptor: int, data: memoryview) -> int:
        nonlocal written
        if written >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += after
        return real(descriptor, bytes(data[:after]))

    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(LabelsUnavailable, match="No space left"):
            store.add(offers("b", "c"))
        with pytest.raises(LabelsUnavailable, match="No space left"):
            LabelStore(tmp_path / "new", BOUNDS).add(offers("b"))
    assert next(tmp_path.glob("feedback-*")).read_bytes() == before
    assert [path.name for path in (tmp_path / "new").iterdir()] == [LOCK]
    assert store.add(offers("b", "c")) == [Outcome.STORED] * 2
    assert stored(tmp_path) == ["a", "b", "c"]


def test_a_folder_that_cannot_be_written_is_reported_at_the_start_and_a_full_disk_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    store = LabelStore(tmp_path / "file" / "records", BOUNDS)
    with pytest.raises(OSError):
        store.check()
    with pytest.raises(LabelsUnavailable):
        store.add(offers("a"))

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "open", fail)
    LabelStore(tmp_path, BOUNDS).check()


def test_the_oldest_labels_are_deleted_beyond_the_number(tmp_path: Path) -> None:
    store = LabelStore(tmp_path, replace(BOUNDS, labels=32))
    for index in range(50):
        store.add(offers(f"{index:02}"))
    kept = stored(tmp_path)
    assert 30 <= len(kept) <= 32 and kept[-1] == "49"
    assert len(kept) == len(set(kept)) and kept == [f"{index:02}" for index in range(50 - len(kept), 50)]
    assert store.add(offers("00")) == [Outcome.STORED]
    assert store.add(offers("49")) == [Outcome.REPEATED]


def test_the_oldest_labels_are_deleted_beyond_the_size(tmp_path: Path) -> None:
    store = LabelStore(tmp_path, replace(BOUNDS, disk_bytes=20_000))
    for index in range(200):
        store.add(offers(f"{index:03}"))
    size = sum(path.stat().st_size for path in tmp_path.glob("feedback-*"))
    assert 17_000 <= size <= 20_000
    assert stored(tmp_path)[-1] == "199"


def test_labels_beyond_the_age_are_deleted_and_files_are_begun_anew_by_age(tmp_path: Path) -> None:
    store = LabelStore(tmp_path, BOUNDS)
    store.add(offers("old"))
    path = next(tmp_path.glob("feedback-*"))
    os.utime(path, (time.time() - 31 * 86400,) * 2)
    path.write_bytes(path.read_bytes().replace(b"2026-", b"2025-"))
    os.utime(path, (time.time() - 31 * 86400,) * 2)
    store = LabelStore(tmp_path, BOUNDS)
    store.add(offers("new"))
    assert stored(tmp_path) == ["new"] and not path.exists()


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    others = {"records-1.jsonl", "feedback-old.jsonl", "feedback-00000001-20261127T160000Z.jsonl.gz"}
    for name in others:
        (tmp_path / name).write_bytes(b"{}\n")
    store = LabelStore(tmp_path, replace(BOUNDS, labels=16))
    for index in range(40):
        store.add(offers(str(index)))
    assert others <= {path.name for path in tmp_path.iterdir()}


def test_a_process_that_holds_its_turn_for_too_long_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    store = LabelStore(tmp_path, BOUNDS)
    with store._turn(), pytest.raises(LabelsUnavailable, match="another process"):
        LabelStore(tmp_path, BOUNDS).add(offers("a"))
    assert store.add(offers("a")) == [Outcome.STORED]


ADD = """
import sys
from pathlib import Path
from app.labels.store import Bounds, LabelStore, Offer
from tests.labels import label
store = LabelStore(Path(sys.argv[1]), Bounds(1000, 10_000_000, 30))
outcomes = [store.add([Offer(label(id=str(index)))])[0].value for index in range(100)]
print(outcomes.count("stored"))
"""


def test_processes_that_store_the_same_labels_at_once_store_each_of_them_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ADD, str(tmp_path)]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": "."})
        for _ in range(3)
    ]
    counts = [int(worker.communicate()[0]) for worker in workers]
    assert sum(counts) == 100
    lines = b"".join(path.read_bytes() for path in tmp_path.glob("feedback-*")).splitlines()
    assert len(lines) == 100 and len(stored(tmp_path)) == 100
